//! A whole deployment, with the commands that people type, on an AWS of this machine, over TLS and with IAM's rules in force.
//!
//! Other people's: ministack (`CloudFormation`, IAM, STS, S3, SSM, Kinesis, SQS and Lambda's control plane), the CDK's tool and
//! botocore, which asks what the function's role may do. Ours: `cargo xtask` and the stacks. ministack does not encrypt, has no
//! JSON logs and no metrics of services, so those are tested on the templates, in `infra-cdk/test`. No function runs here.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::ministack::Ministack;
use extension_spec::deployment::{Architecture, COMPLETENESS_FUNCTION};
use serde_json::{Value, json};

/// The time in which a command must explain why it does nothing: ten seconds, and what cargo needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn text(output: &Output) -> String {
    [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat()
}

/// Runs the commands as a person with credentials of this AWS.
struct Person<'a> {
    aws: &'a Ministack,
    zips: &'a Path,
}

impl Person<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let end = arguments.iter().position(|it| *it == "--").unwrap_or(arguments.len());
        let (own, of_the_cdk) = arguments.split_at(end);
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        xtask.args(own);
        if ["deploy", "diff", "cdk"].contains(&own[0]) {
            xtask.arg("--zips").arg(self.zips);
        }
        xtask.args(of_the_cdk).stdin(Stdio::null());
        self.aws.credentials(&mut xtask);
        xtask
    }

    fn types(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.command(arguments).output().unwrap();
        assert!(!text(&output).contains("Unknown option"), "{arguments:?}\n{}", text(&output));
        (output.status.success(), text(&output))
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let (success, said) = self.types(arguments);
        assert!(success, "{arguments:?}\n{said}");
        said
    }

    /// The last line of what is said, which is the error.
    fn fails(&self, arguments: &[&str]) -> String {
        let (success, said) = self.types(arguments);
        assert!(!success, "{arguments:?}\n{said}");
        said.lines().last().unwrap_or_default().to_owned()
    }
}

/// Zips of everything that is deployed, without a file in them, distinguished by a comment.
fn zips(folder: &Path, comment: &str) {
    let zips = Architecture::ALL.into_iter().flat_map(|it| [it.layer(), it.test_function()]);
    for zip in zips.chain([COMPLETENESS_FUNCTION.to_owned()]) {
        let mut bytes = b"PK\x05\x06".to_vec();
        bytes.resize(20, 0);
        bytes.extend(u16::try_from(comment.len()).unwrap().to_le_bytes());
        bytes.extend(comment.as_bytes());
        fs::write(folder.join(format!("{zip}.zip")), bytes).unwrap();
    }
}

#[test]
fn a_stage_or_a_name_that_cannot_be_is_said_with_what_can() {
    for (arguments, said) in [
        (["deploy", "test"].as_slice(), "[possible values: dev, prod]"),
        (&["deploy", "dev", "--name", "Blue"], "set 1 to 32 of a-z 0-9 -"),
        (&["destroy", "dev", "--name", "runtime"], "and not extension, runtime"),
        (&["cdk", "dev"], "ARGUMENTS"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains(said), "{}", text(&output));
    }
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn a_stage_is_deployed_updated_and_destroyed_and_its_function_may_do_what_it_needs_and_no_more() {
    let aws = Ministack::start();
    let folder = tempfile::tempdir().unwrap();
    let person = Person { aws: &aws, zips: folder.path() };

    nothing_is_begun_without_what_it_takes(&person);
    person.succeeds(&["bootstrap", "dev"]);
    what_others_have_is_left_alone(&person);
    let deployed = is_deployed_once(&person);
    is_allowed_what_it_needs_and_no_more(&aws);
    is_updated(&person, &deployed);
    is_destroyed(&person);
}

fn nothing_is_begun_without_what_it_takes(person: &Person<'_>) {
    let error = person.fails(&["deploy", "dev"]);
    assert!(error.contains("kinesis-telemetry-extension-x86_64.zip is missing"), "{error}");
    zips(person.zips, "first");
    let error = person.fails(&["deploy", "dev"]);
    assert!(error.contains("run cargo xtask bootstrap dev, once"), "{error}");
    let refuses = |arguments: &[&str], variable: &str, value: &str, reason: &str| {
        let mut xtask = person.command(arguments);
        match value {
            "" => xtask.env_remove(variable),
            value => xtask.env(variable, value),
        };
        let began = Instant::now();
        let output = xtask.output().unwrap();
        let said = text(&output);
        assert!(began.elapsed() < PATIENCE, "{:?}: {said}", began.elapsed());
        assert_eq!(output.status.code(), Some(1), "{said}");
        let error = said.lines().last().unwrap_or_default();
        assert!(error.starts_with("error: ") && error.contains(reason), "{said}");
        assert!(!said.contains("account 111122223333"), "{said}");
    };
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    for arguments in [
        ["deploy", "dev"].as_slice(),
        &["diff", "dev"],
        &["destroy", "dev", "--yes"],
        &["bootstrap", "dev"],
        &["cdk", "dev", "--", "drift"],
    ] {
        refuses(arguments, "AWS_PROFILE", "absent", "AWS_PROFILE is \"absent\"");
        refuses(arguments, "AWS_ENDPOINT_URL", &silent, "does not answer");
    }
    refuses(&["diff", "dev"], "AWS_ACCESS_KEY_ID", "", "no AWS credentials: set AWS_PROFILE");
    refuses(&["diff", "dev"], "AWS_REGION", "", "no AWS region is set: set AWS_REGION");
    refuses(&["diff", "dev"], "AWS_REGION", "Frankfurt", "is not the name of an AWS region");
    let profile = ["cdk", "dev", "--", "diff", "--profile", "absent"];
    refuses(&profile, "AWS_PROFILE", "", "AWS_PROFILE is \"absent\"");
    // Commands that do not ask AWS need no credentials.
    let listed =
        person.command(&["cdk", "dev", "--", "list"]).env_remove("AWS_ACCESS_KEY_ID").output();
    let listed = text(&listed.unwrap());
    assert!(listed.contains("KinesisTelemetry-dev-TestFunction"), "{listed}");
    assert_eq!(person.aws.ask("left")["stacks"], json!([]));
}

/// The next deployment begins with a stack whose creation was taken back.
fn what_others_have_is_left_alone(person: &Person<'_>) {
    person.aws.ask("taken");
    let error = person.fails(&["deploy", "dev"]);
    assert!(error.contains("a resource of that name exists already"), "{error}");
    assert_eq!(person.aws.ask("freed"), "theirs");
    assert_eq!(person.aws.ask("left")["streams"], json!([]), "what was begun is taken back");
}

fn is_deployed_once(person: &Person<'_>) -> Value {
    let said = person.succeeds(&["deploy", "dev"]);
    assert!(said.contains("Next: cargo xtask invoke dev"), "{said}");
    let deployed = person.aws.ask("deployed");
    assert_eq!(deployed["function"]["layers"].as_array().unwrap().len(), 1, "{deployed:#}");
    assert!(layer(&deployed).0.ends_with("kinesis-telemetry-extension-x86_64"), "{deployed:#}");
    let layer = &deployed["function"]["layers"][0];
    assert_eq!(&deployed["parameters"]["/telemetry/kinesis/extension/arn"], layer);
    assert_eq!(deployed["parameters"]["/telemetry/kinesis/stack/name"], "KinesisTelemetry-dev");

    let again = person.succeeds(&["deploy", "dev"]);
    assert_eq!(again.matches("(no changes)").count(), 2, "{again}");
    let diff = person.succeeds(&["diff", "dev"]);
    assert!(diff.contains("Number of stacks with differences: 0"), "{diff}");
    person.succeeds(&["cdk", "dev", "--", "drift", "--fail"]);
    deployed
}

/// The layer of the function, and its version.
fn layer(state: &Value) -> (&str, u32) {
    let (layer, version) =
        state["function"]["layers"][0].as_str().unwrap().rsplit_once(':').unwrap();
    (layer, version.parse().unwrap())
}

fn is_allowed_what_it_needs_and_no_more(aws: &Ministack) {
    let may = aws.ask("permissions");
    for (what, is_allowed) in [
        ("PutRecords on the stream", true),
        ("SendMessage to the dead-letter queue", true),
        ("PutRecord on the stream", false),
        ("GetShardIterator on the stream", false),
        ("PutRecords on another stream", false),
        ("SendMessage to another queue", false),
        ("ReceiveMessage from the dead-letter queue", false),
    ] {
        assert_eq!(may[what], is_allowed, "{what}: {may:#}");
    }
}

fn is_updated(person: &Person<'_>, deployed: &Value) {
    zips(person.zips, "second");
    person.succeeds(&["deploy", "dev"]);
    let updated = person.aws.ask("deployed");
    let ((name, before), (same, after)) = (layer(deployed), layer(&updated));
    assert_eq!((same, after), (name, before + 1), "{updated:#}");
    assert_eq!(
        updated["parameters"]["/telemetry/kinesis/extension/arn"],
        format!("{name}:{after}")
    );
    assert_eq!(updated["stream"], deployed["stream"]);
    let error = person.fails(&["deploy", "prod"]);
    assert!(error.contains("the stack KinesisTelemetry-dev has the names"), "{error}");
}

fn is_destroyed(person: &Person<'_>) {
    let error = person.fails(&["destroy", "dev"]);
    assert!(error.contains("there is no terminal to ask on: add --yes"), "{error}");
    let said = person.succeeds(&["destroy", "dev", "--yes"]);
    assert!(said.contains("Left in account 111122223333, eu-central-1: layer versions"), "{said}");
    let left = person.aws.ask("left");
    assert_eq!(left["stacks"], json!(["CDKToolkit"]), "{left:#}");
    assert_eq!(left["streams"], json!([]), "{left:#}");
}
