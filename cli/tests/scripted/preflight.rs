//! `preflight`: the account and region of the credentials, or the reason why there are none, within seconds.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};

use crate::server::{Answer, Call, Server, code_and_text, ok, refused, refused_xml, xml};
use crate::silence::{LIMIT, silent};

const IDENTITY: &str =
    "<Account>111122223333</Account><Arn>arn:aws:iam::111122223333:user/me</Arn>";
const BOOTSTRAP: &str = "/cdk-bootstrap/hnb659fds/version";

/// A change to the environment of a command.
type Change<'a> = &'a (dyn Fn(&mut Command) + Sync);

fn parameters(values: &[(&str, &str)]) -> Answer {
    let of = |(name, value): &(&str, &str)| json!({ "Name": name, "Value": value });
    ok(&json!({ "Parameters": values.iter().map(of).collect::<Vec<_>>(), "InvalidParameters": [] }))
}

/// Serves an account with these parameters.
fn account(values: &'static [(&'static str, &'static str)]) -> Server {
    Server::start(move |call| match call.operation.as_str() {
        "POST /" => xml("GetCallerIdentity", IDENTITY),
        _ => parameters(values),
    })
}

/// Runs a command, and returns its exit code and output. Fails if it takes too long.
fn runs(command: &mut Command) -> (i32, String) {
    let began = Instant::now();
    let result = code_and_text(&command.output().unwrap());
    assert!(began.elapsed() < LIMIT, "{:?}: {result:?}", began.elapsed());
    result
}

/// Returns the one line that explains why the command failed.
fn error(command: &mut Command) -> String {
    let (code, text) = runs(command);
    assert_eq!(code, 2, "{text}");
    assert!(text.starts_with("error: ") && text.lines().count() == 1, "{text}");
    text
}

/// Makes a command get its credentials from these configuration files only.
fn configured<'a>(command: &'a mut Command, folder: &Path, config: &str) -> &'a mut Command {
    let file = folder.join("config");
    fs::write(&file, config).unwrap();
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env("AWS_CONFIG_FILE", file)
        .env("AWS_SHARED_CREDENTIALS_FILE", folder.join("credentials"))
        .env("HOME", folder)
}

#[test]
fn the_place_has_its_bootstrap_version_and_owner() {
    let place = |server: &Server, arguments: &[&str]| {
        let (code, text) = runs(&mut server.command(&[&["preflight"], arguments].concat()));
        assert_eq!(code, 0, "{text}");
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let empty = account(&[]);
    assert_eq!(
        place(&empty, &[]),
        json!({ "account": "111122223333", "region": "eu-central-1", "bootstrap": null, "owner": null })
    );
    assert_eq!(
        empty.calls("GetParameters")[0]["Names"],
        json!([BOOTSTRAP, "/telemetry/kinesis/stack/name"])
    );
    let full = account(&[(BOOTSTRAP, "33"), ("/telemetry/kinesis/stack/name", "Other")]);
    let found = place(&full, &[]);
    assert_eq!((&found["bootstrap"], &found["owner"]), (&json!(33), &json!("Other")));
    // A further deployment has its own parameter names.
    assert_eq!(place(&full, &["--name", "blue"])["owner"], Value::Null);
}

#[test]
fn the_lookup_role_answers_where_ssm_is_denied() {
    let role = |call: &Call| call.body.as_str().is_some_and(|it| it.contains("Action=AssumeRole"));
    let denied =
        || refused("AccessDeniedException", "not authorized to perform: ssm:GetParameters");
    let server = Server::start(move |call| match call.operation.as_str() {
        "POST /" if role(call) => {
            let body = call.body.as_str().unwrap();
            assert!(
                body.contains("role%2Fcdk-hnb659fds-lookup-role-111122223333-eu-central-1"),
                "{body}"
            );
            xml(
                "AssumeRole",
                "<Credentials><AccessKeyId>looker</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
                 <SessionToken>t</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>",
            )
        }
        "POST /" => xml("GetCallerIdentity", IDENTITY),
        _ if call.credential == "looker" => parameters(&[(BOOTSTRAP, "33")]),
        _ => denied(),
    });
    let (code, text) = runs(&mut server.command(&["preflight"]));
    assert!(code == 0 && text.contains("\"bootstrap\":33"), "{text}");

    let server = Server::start(move |call| match call.operation.as_str() {
        "POST /" if role(call) => refused_xml("AccessDenied", "not authorized: sts:AssumeRole"),
        "POST /" => xml("GetCallerIdentity", IDENTITY),
        _ => denied(),
    });
    let error = error(&mut server.command(&["preflight"]));
    assert!(error.contains("requires the permission ssm:GetParameters"), "{error}");
}

#[test]
fn a_silent_service_is_reported_within_ten_seconds() {
    let account = account(&[]);
    let url = silent();
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, Change<'_>, &[&str]); 6] = [
        (
            "every service",
            &|it| _ = it.env("AWS_ENDPOINT_URL", &url),
            &[&url, "does not answer", "AWS_ENDPOINT_URL"],
        ),
        (
            "STS alone",
            &|it| _ = it.env("AWS_ENDPOINT_URL_STS", &url),
            &[&url, "does not answer", "AWS_ENDPOINT_URL"],
        ),
        (
            "SSM alone",
            &|it| _ = it.env("AWS_ENDPOINT_URL_SSM", &url),
            &[&url, "does not answer", "AWS_ENDPOINT_URL"],
        ),
        (
            "a proxy",
            &|it| _ = it.env_remove("AWS_ENDPOINT_URL").env("HTTPS_PROXY", &url),
            &["AWS in region eu-central-1", "HTTPS_PROXY"],
        ),
        (
            "EC2's metadata",
            &|it| {
                it.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_EC2_METADATA_DISABLED");
                it.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url);
            },
            &["no AWS credentials: set AWS_PROFILE"],
        ),
        (
            "EC2's metadata, asked for the region",
            &|it| {
                it.env_remove("AWS_REGION").env_remove("AWS_EC2_METADATA_DISABLED");
                it.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url);
            },
            &["no AWS region is set: set AWS_REGION"],
        ),
    ];
    thread::scope(|scope| {
        for (what, change, words) in cases {
            let account = &account;
            scope.spawn(move || {
                let mut command = account.command(&["preflight"]);
                change(&mut command);
                let error = error(&mut command);
                assert!(words.iter().all(|it| error.contains(it)), "{what}: {error}");
            });
        }
        scope.spawn(|| {
            let process = "[profile slow]\ncredential_process = sleep 30\n";
            let mut command = account.command(&["preflight"]);
            let error =
                error(configured(&mut command, folder.path(), process).env("AWS_PROFILE", "slow"));
            assert!(
                error.contains("the profile \"slow\" (AWS_PROFILE) provided no credentials within")
            );
            assert!(error.contains("run its credential_process"), "{error}");
        });
        scope.spawn(|| {
            let pipe = folder.path().join("pipe");
            assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            let error = error(account.command(&["preflight"]).env("AWS_CONFIG_FILE", &pipe));
            assert!(error.contains(&*pipe.to_string_lossy()), "{error}");
        });
    });
}

#[test]
fn a_profile_without_credentials_is_reported_with_its_remedy() {
    const SSO: &str = "sso_start_url = https://example.org\nsso_region = eu-central-1\nsso_account_id = 111122223333\n\
                       sso_role_name = r\n";
    let account = Server::start(|_| refused_xml("AccessDenied", "not authorized"));
    let folder = tempfile::tempdir().unwrap();
    for (settings, words) in [
        ("region = eu-central-1\n", &["no AWS credentials", "aws configure --profile it"][..]),
        (
            "role_arn = arn:aws:iam::111122223333:role/r\nsource_profile = missing\n",
            &["no AWS credentials", "`missing` was not defined"],
        ),
        ("role_arn = arn:aws:iam::111122223333:role/r\n", &["source_profile"]),
        ("aws_access_key_id = a\n", &["aws_secret_access_key"]),
        (
            "credential_process = echo reason 1>&2; exit 3\n",
            &["reason", "run its credential_process in a shell"],
        ),
        (
            "credential_process = printf 'a\\nb\\033[31m' 1>&2; exit 3\n",
            &["run its credential_process"],
        ),
        ("credential_process = echo no JSON\n", &["run its credential_process in a shell"]),
        (
            "credential_process = /nowhere/at/all\n",
            &["/nowhere/at/all", "run its credential_process"],
        ),
        (SSO, &["run aws sso login --profile it", ".aws/sso/cache"]),
        (
            "sso_session = gone\nsso_account_id = 111122223333\nsso_role_name = r\n",
            &["`gone`", "run aws sso login --profile it"],
        ),
        ("login_session = arn:aws:iam::111122223333:user/me\n", &["run aws login --profile it"]),
        (
            "role_arn = arn:aws:iam::111122223333:role/r\nsource_profile = keys\nmfa_serial = arn:aws:iam::1:mfa/me\n",
            &["not authorized", "mfa_serial", "aws configure export-credentials --profile it"],
        ),
    ] {
        let mut command = account.command(&["preflight"]);
        let config = format!(
            "[profile it]\n{settings}[profile keys]\naws_access_key_id = a\naws_secret_access_key = b\n"
        );
        let error =
            error(configured(&mut command, folder.path(), &config).env("AWS_PROFILE", "it"));
        assert!(error.contains("the profile \"it\" (AWS_PROFILE)"), "{settings}: {error}");
        assert!(words.iter().all(|it| error.contains(it)), "{settings}: {error}");
        assert!(!error.trim_end().contains(char::is_control), "{settings}: {error:?}");
    }
}

#[test]
fn aws_login_is_used_through_the_aws_cli() {
    let account = account(&[]);
    let folder = tempfile::tempdir().unwrap();
    let tool = folder.path().join("aws");
    let keys = json!({ "Version": 1, "AccessKeyId": "signed-in", "SecretAccessKey": "s" });
    let script = format!(
        "#!/bin/sh\necho \"$*\" > '{}'\necho '{keys}'\n",
        folder.path().join("asked").display()
    );
    fs::write(&tool, script).unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let config = "[profile me@work]\nlogin_session = arn:aws:iam::111122223333:user/me\n";
    let mut command = account.command(&["preflight"]);
    configured(&mut command, folder.path(), config).env("AWS_PROFILE", "me@work").env("PATH", path);
    let (code, text) = runs(&mut command);
    assert_eq!(code, 0, "{text}");
    let asked = fs::read_to_string(folder.path().join("asked")).unwrap();
    assert_eq!(asked, "configure export-credentials --profile me@work --format process\n");
    assert_eq!(account.keys(), ["signed-in", "signed-in"]);
}

#[test]
fn a_malformed_bootstrap_version_is_reported() {
    let error = error(&mut account(&[(BOOTSTRAP, "dummy")]).command(&["preflight"]));
    assert!(error.contains("is \"dummy\", which is not a version"), "{error}");
}
