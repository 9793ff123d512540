//! Failures that every command reports with one clear message.

use serde_json::json;

use crate::server::{Server, deployed, ok, refused, refused_xml, xml};

pub(crate) const COMMANDS: [&[&str]; 7] = [
    &["outputs"],
    &["invoke", "--deadline", "10"],
    &["tail", "--seconds", "10"],
    &["completeness"],
    &["redrive", "--quiet", "1"],
    &["doctor"],
    &["functions"],
];

/// Returns the line with which a command reports its failure. `change` is applied to its environment.
fn failure(
    server: &Server,
    command: &[&str],
    change: &dyn Fn(&mut std::process::Command),
) -> String {
    let mut process = server.command(command);
    change(&mut process);
    let output = process.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    if command[0] == "doctor" && output.status.code() == Some(1) {
        // `doctor` reports problems on stdout.
        assert!(output.stderr.is_empty(), "{output:?}");
        let text = text(&output.stdout);
        assert!(text.ends_with("\n1 problem found\n"), "{text}");
        return text;
    }
    assert_eq!(output.status.code(), Some(2), "{command:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let text = text(&output.stderr);
    assert!(text.starts_with("error: ") && text.lines().count() == 1, "{command:?}: {text}");
    text
}

/// Serves an error for every call.
fn refusing(code: &'static str, message: &'static str) -> Server {
    Server::start(move |call| match call.operation.as_str() {
        // STS and IAM.
        "POST /" => refused_xml(code, message),
        _ => refused(code, message),
    })
}

fn each_reports(server: &Server, change: &dyn Fn(&mut std::process::Command), words: &str) {
    for command in COMMANDS {
        let text = failure(server, command, change);
        assert!(text.contains(words), "{command:?}: {text}");
    }
}

#[test]
fn expired_credentials_are_reported_with_the_remedy() {
    let server = refusing("ExpiredTokenException", "The security token is expired");
    each_reports(&server, &|_| (), "the credentials have expired: run aws sso login");
}

#[test]
fn invalid_credentials_are_reported_with_the_remedy() {
    let server = refusing("UnrecognizedClientException", "The security token is invalid");
    each_reports(&server, &|_| (), "does not accept these credentials: check AWS_PROFILE");
}

#[test]
fn missing_credentials_and_a_missing_region_are_reported() {
    let server = refusing("AccessDeniedException", "never asked");
    let no_keys = |it: &mut std::process::Command| _ = it.env_remove("AWS_ACCESS_KEY_ID");
    each_reports(&server, &no_keys, "no AWS credentials: set AWS_PROFILE");
    for command in COMMANDS {
        let output = server.command(command).env_remove("AWS_REGION").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("error: no AWS region is set: set AWS_REGION"), "{text}");
    }
}

#[test]
fn an_unreachable_service_is_reported() {
    let server = refusing("AccessDeniedException", "never asked");
    let nowhere =
        |it: &mut std::process::Command| _ = it.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    each_reports(&server, &nowhere, "http://127.0.0.1:1 (region eu-central-1) cannot be reached");
}

#[test]
fn a_missing_deployment_names_region_and_deploy_command() {
    let server = Server::start(|call| match call.operation.as_str() {
        "POST /" => xml("GetCallerIdentity", "<Arn>me</Arn>"),
        _ => ok(&json!({ "Parameters": [], "InvalidParameters": [] })),
    });
    let other = |it: &mut std::process::Command| _ = it.env("AWS_REGION", "eu-west-1");
    each_reports(&server, &other, "no deployment at http://127.0.0.1:");
    each_reports(&server, &other, "(region eu-west-1)");
    each_reports(&server, &other, "check --region, --profile and --name");
    let of_stage = failure(&server, &["outputs", "--stage", "dev"], &other);
    let expected = "deploy it with \"cargo xtask deploy dev\", or check AWS_REGION";
    assert!(of_stage.contains(expected), "{of_stage}");
}

#[test]
fn a_denied_call_names_its_permission() {
    let server = refusing("AccessDeniedException", "not authorized");
    for command in &COMMANDS[..5] {
        let text = failure(&server, command, &|_| ());
        assert!(text.contains("access denied") && text.contains("ssm:GetParameters"), "{text}");
    }
    let server = Server::start(|call| match call.operation.as_str() {
        "GetParameters" => deployed(),
        _ => refused("AccessDeniedException", "not authorized"),
    });
    let permissions = ["ListShards", "ListShards", "ListShards", "sqs:ReceiveMessage"].into_iter();
    for (command, permission) in COMMANDS[1..5].iter().zip(permissions) {
        let text = failure(&server, command, &|_| ());
        assert!(text.contains("access denied") && text.contains(permission), "{text}");
    }
}

#[test]
fn doctor_without_permissions_reports_every_check() {
    let server = Server::start(|call| match call.operation.as_str() {
        "GetParameters" => deployed(),
        "POST /" => xml("GetCallerIdentity", "<Arn>me</Arn>"),
        _ => refused("AccessDeniedException", "not authorized"),
    });
    let output = server.command(&["doctor"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    for permission in [
        "lambda:GetLayerVersion",
        "lambda:GetFunctionConfiguration",
        "kinesis:DescribeStreamSummary",
        "sqs:GetQueueAttributes",
    ] {
        let mut lines = text.lines();
        assert!(lines.any(|it| it.starts_with("unknown") && it.contains(permission)), "{text}");
    }
    assert!(text.contains("ok      credentials   me, "), "{text}");
}
