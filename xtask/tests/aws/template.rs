//! The template for people without the CDK, deployed with the zips in a bucket of one's own, as docs/deploying.md says.
//!
//! Other people's: ministack and botocore. Ours: the template, `kinesis-telemetry`, and where the function runs what `end_to_end` says. ministack
//! makes a layer version of a key that does not exist, has no console for the link, and no `StackSets`; and no schedule comes due during the test,
//! so no check for missing events runs here.

use std::path::Path;
use std::process::{Command, Stdio};

use extension_spec::deployment::Architecture;
use serde_json::{Value, json};

use crate::end_to_end::{programs, zips};
use crate::ministack::Ministack;

/// The template of this checkout, which is that of the release.
const TEMPLATE: &str = "../infra-cdk/test/snapshots/kinesis-telemetry.template.yaml";

#[test]
#[ignore = "needs Python 3: cargo xtask test"]
fn a_function_with_the_outputs_of_the_template_delivers_its_telemetry() {
    let aws = Ministack::start();
    let folder = tempfile::tempdir().unwrap();
    let names =
        ["kinesis-telemetry", "kinesis-telemetry-extension", "test-function", "sandbox-bootstrap"];
    let programs = programs(&names);
    zips(&aws, folder.path(), &programs);
    let does = |arguments: &[&str]| aws.python("tests/aws/template.py", arguments);
    let template = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join(TEMPLATE);
    let (template, folder) = (template.to_str().unwrap(), folder.path().to_str().unwrap());

    let outputs = does(&["create", template, folder, env!("CARGO_PKG_VERSION")]);
    let zip = format!("{folder}/{}.zip", Architecture::X86_64.test_function());
    does(&["function", &zip]);
    let sandbox = programs["sandbox-bootstrap"].to_str().unwrap();
    let stand_in = aws.python("pins/ministack/stand_in.py", &["orders", sandbox]);
    assert_eq!(stand_in["files"][0], "extensions/kinesis-telemetry-extension");
    does(&["invoke"]);
    let event = event(&aws, &programs["kinesis-telemetry"], outputs["StreamArn"].as_str().unwrap());
    assert_eq!(event["source"]["function"], "orders", "{event}");

    every_parameter_takes_effect(&does(&["update"]));
    // What holds telemetry is left, and the layer versions, because functions may have them.
    let left = json!({
        "streams": 1, "queues": 1, "layers": 2,
        "functions": 0, "policies": 0, "alarms": 0, "parameters": 0,
    });
    assert_eq!(does(&["delete"]), left);
}

/// The first line that the function has logged.
fn event(aws: &Ministack, program: &Path, stream: &str) -> Value {
    let mut tail = Command::new(program);
    tail.args(["tail", "--stream", stream, "--since", "600", "--function", "orders"]);
    tail.args(["--type", "function", "--events", "1", "--seconds", "60", "--json"]);
    aws.credentials(tail.stdin(Stdio::null()));
    let output = tail.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", aws.log());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn every_parameter_takes_effect(updated: &Value) {
    let expected = json!({
        "new": [
            "AlarmMissingEvents",
            "AlarmNotChecked",
            "CompletenessFunction",
            "CompletenessFunctionEventInvokeConfig",
            "CompletenessLog",
            "CompletenessRole",
            "CompletenessRoleDefaultPolicy",
            "CompletenessSchedule",
            "CompletenessSchedulePermission",
        ],
        "gone": [],
        "retention": 48,
        "alarms": 6,
        "notifying": 6,
    });
    assert_eq!(updated, &expected);
}
