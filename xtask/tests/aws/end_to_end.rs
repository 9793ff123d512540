//! The whole story on one machine: a stage is deployed, its function is invoked, its telemetry arrives, a dead letter goes back,
//! and what is broken is found, all with the commands that people type, over TLS and with IAM's rules in force.
//!
//! Other people's: ministack (`CloudFormation`, IAM, STS, S3, SSM, Kinesis, SQS, KMS, and of Lambda the control plane, `Invoke`
//! and the role's credentials), the CDK's tool, botocore. Ours: `cargo xtask`, `kinesis-telemetry`, the stacks, the extension, the test
//! function; and the Runtime, Extensions and Telemetry APIs that these two speak to, because ministack has no layers and none
//! of these APIs: the sandbox runs as the function's `bootstrap`, unpacks the layer that is deployed, and runs the function that
//! is deployed. What the programs are built for is this machine, in the zips of both architectures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::ministack::Ministack;
use extension_spec::deployment::{Architecture, COMPLETENESS_FUNCTION};
use serde_json::Value;

/// Programs of other packages, by name.
pub(crate) fn programs(names: &[&str]) -> BTreeMap<String, PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    // Told who the outer cargo runs, build scripts that look at it would run again, and all that follows from them.
    let variables = std::env::vars().map(|(name, _)| name);
    let telling =
        |name: &String| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    variables.filter(telling).for_each(|name| _ = cargo.env_remove(name));
    // At run time: a checkout may be moved after it was built.
    let root = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("..");
    let output = cargo
        .current_dir(root)
        // With the example cargo counts dev-dependencies, as it does for tests, and compiles nothing with other features.
        .args(["build", "--quiet", "--workspace", "--example", "tiny", "--message-format=json"])
        .args(names.iter().map(|it| format!("--bin={it}")))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let lines = String::from_utf8(output.stdout).unwrap();
    let artifacts = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let program = |it: Value| {
        Some((it["target"]["name"].as_str()?.to_owned(), it["executable"].as_str()?.into()))
    };
    artifacts.filter_map(program).collect()
}

fn text(output: &Output) -> String {
    [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat()
}

/// Makes everything that is deployed of these programs.
pub(crate) fn zips(aws: &Ministack, folder: &Path, programs: &BTreeMap<String, PathBuf>) {
    let of =
        |name: fn(Architecture) -> String| Architecture::ALL.map(|it| format!("{}.zip", name(it)));
    let program = |name: &str| programs[name].to_str().unwrap();
    let mut arguments = vec![
        folder.to_str().unwrap(),
        program("kinesis-telemetry-extension"),
        program("test-function"),
    ];
    let (layers, functions) = (of(Architecture::layer), of(Architecture::test_function));
    arguments.extend(layers.iter().map(String::as_str));
    arguments.push("--");
    arguments.extend(functions.iter().map(String::as_str));
    // Its own program matters to no stage that is deployed here.
    let completeness = format!("{COMPLETENESS_FUNCTION}.zip");
    arguments.push(&completeness);
    aws.python("pins/ministack/zips.py", &arguments);
}

/// Runs a command; gives its exit code and all that it says.
fn types(aws: &Ministack, arguments: &[&str]) -> (i32, String, String) {
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    aws.credentials(xtask.args(arguments).stdin(Stdio::null()));
    let output = xtask.output().unwrap();
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    (output.status.code().unwrap(), stdout, text(&output))
}

fn succeeds(aws: &Ministack, arguments: &[&str]) -> String {
    let (code, stdout, all) = types(aws, arguments);
    assert_eq!(code, 0, "{arguments:?}\n{all}\n{}", aws.log());
    stdout
}

fn fails(aws: &Ministack, code: i32, arguments: &[&str]) -> String {
    let (found, _, all) = types(aws, arguments);
    assert_eq!(found, code, "{arguments:?}\n{all}");
    all
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn a_deployed_functions_telemetry_arrives_dead_letters_go_back_and_what_is_broken_is_found() {
    let aws = Ministack::start();
    let folder = tempfile::tempdir().unwrap();
    let programs = programs(&["kinesis-telemetry-extension", "test-function", "sandbox-bootstrap"]);
    zips(&aws, folder.path(), &programs);
    let error = fails(&aws, 2, &["outputs", "dev"]);
    assert!(error.contains("dev is not deployed at https://127.0.0.1"), "{error}");

    succeeds(&aws, &["bootstrap", "dev"]);
    succeeds(&aws, &["deploy", "dev", "--zips", folder.path().to_str().unwrap()]);
    let outputs: Value =
        serde_json::from_str(&succeeds(&aws, &["outputs", "dev", "--json"])).unwrap();
    let text = succeeds(&aws, &["outputs", "dev"]);
    assert!(text.contains(outputs["layerArnX86_64"].as_str().unwrap()), "{text}");

    the_sandbox_stands_in(&aws, &outputs, &programs["sandbox-bootstrap"]);
    telemetry_arrives(&aws);
    the_program_reads_the_deployment(&aws, &outputs, folder.path());
    a_dead_letter_goes_back(&aws, &outputs);
    what_is_broken_is_found(&aws, &outputs);
    wrong_questions_are_answered_in_plain_words(&aws);
    succeeds(&aws, &["destroy", "dev", "--yes"]);
}

fn the_sandbox_stands_in(aws: &Ministack, outputs: &Value, sandbox: &Path) {
    let function = outputs["testFunctionName"].as_str().unwrap();
    let stand_in = aws.python("pins/ministack/stand_in.py", &[function, sandbox.to_str().unwrap()]);
    assert_eq!(stand_in["layers"][0], outputs["layerArnX86_64"]);
    assert_eq!(stand_in["files"][0], "extensions/kinesis-telemetry-extension");
}

fn telemetry_arrives(aws: &Ministack) {
    let report = succeeds(aws, &["invoke", "dev", "--count", "3", "--lines", "20", "--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["complete"], true, "{report:#}");
    let requests = report["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 3);
    for request in requests {
        // Start, runtimeDone, report, and the lines.
        assert_eq!(
            (&request["expected"], &request["arrived"]),
            (&23.into(), &23.into()),
            "{request:#}"
        );
    }
    let instances = report["instances"].as_array().unwrap();
    assert_eq!((instances.len(), &instances[0]["first"]), (1, &1.into()), "{report:#}");

    let id = requests[1]["requestId"].as_str().unwrap();
    let tail =
        ["tail", "dev", "--since", "600", "--request", id, "--events", "23", "--seconds", "60"];
    let lines = succeeds(aws, &[&tail[..], &["--json"]].concat());
    assert_eq!(
        lines.lines().filter(|it| it.contains("\"type\":\"function\"")).count(),
        20,
        "{lines}"
    );
    let pushed = succeeds(aws, &[&tail[..], &["--json", "--enhanced-fan-out"]].concat());
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&pushed), sorted(&lines), "both ways of reading show the same");
    assert_eq!(
        aws.python("tests/aws/setup.py", &["consumers"]),
        Value::from(0),
        "none is left behind"
    );
}

/// `kinesis-telemetry` without cargo xtask: what it finds about the invocations before.
fn the_program_reads_the_deployment(aws: &Ministack, outputs: &Value, folder: &Path) {
    let program = Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("kinesis-telemetry");
    let finds = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        aws.credentials(command.args(arguments).stdin(Stdio::null()));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let function = outputs["testFunctionName"].as_str().unwrap();
    let stream = outputs["streamArn"].as_str().unwrap();

    let top = finds(&["top", "--stream", stream, "--since", "10m", "--count", "1", "--json"]);
    let row = &top["functions"][0];
    assert_eq!(
        (&row["function"], &row["missing"], &row["failures"]),
        (&function.into(), &0.into(), &0.into()),
        "{top:#}"
    );
    assert!(row["invocations"].as_u64().unwrap() >= 3, "{top:#}");

    let page = folder.join("report.html");
    let report = finds(&["report", "--since", "10m", "--json", "--html", page.to_str().unwrap()]);
    let invocations = report["invocations"].as_array().unwrap();
    let of_lines = |it: &&Value| it["events"].as_u64().unwrap() >= 23 && it["outcome"] == "success";
    assert_eq!(invocations.iter().filter(of_lines).count(), 3, "{report:#}");
    assert!(std::fs::read_to_string(page).unwrap().contains(function));

    let completeness = finds(&["completeness", "--since", "10m", "--settle", "0"]);
    assert_eq!(
        (&completeness["complete"], &completeness["missingEvents"]),
        (&true.into(), &0.into())
    );
    assert!(completeness["events"].as_u64().unwrap() >= 69, "{completeness:#}");

    let functions = finds(&["functions", "--json"]);
    assert_eq!(
        (&functions[0]["name"], &functions[0]["behind"]),
        (&function.into(), &0.into()),
        "{functions:#}"
    );
}

fn a_dead_letter_goes_back(aws: &Ministack, outputs: &Value) {
    // As the extension writes it: a record that was compressed, in two pieces, of which the second came first; and a piece alone.
    aws.python("tests/aws/setup.py", &["letters"]);
    let doctor = fails(aws, 1, &["doctor", "dev"]);
    assert!(
        doctor.contains("4 dead letters (0 in flight)")
            && doctor.contains("kinesis-telemetry redrive"),
        "{doctor}"
    );

    let said = fails(aws, 1, &["redrive", "dev", "--quiet", "1"]);
    assert!(said.contains("1 record put back"), "{said}");
    assert!(
        said.contains("record alone-1-1-0: of its 2 pieces, these are not in the queue: 2"),
        "{said}"
    );
    assert!(
        said.contains("not a dead letter of the extension, because it has no attribute"),
        "{said}"
    );
    assert!(said.contains("left in the queue: 2 messages"), "{said}");
    let tail = [
        "tail",
        "dev",
        "--since",
        "600",
        "--function",
        "letter",
        "--events",
        "2",
        "--seconds",
        "60",
        "--json",
    ];
    let lines = succeeds(aws, &tail);
    let identity = |seq: u32| {
        format!(
            "\"source\":{{\"function\":\"letter\",\"version\":\"1\",\"instance\":\"dead\",\"seq\":{seq}}}"
        )
    };
    assert!((7..9).all(|seq| lines.contains(&identity(seq))), "{lines}");

    aws.python("tests/aws/setup.py", &["purge"]);
    assert!(succeeds(aws, &["redrive", "dev", "--quiet", "1"]).contains("0 records put back"));
    assert!(succeeds(aws, &["doctor", "dev"]).contains("no problem found"), "{outputs:#}");
}

fn what_is_broken_is_found(aws: &Ministack, outputs: &Value) {
    aws.python("tests/aws/setup.py", &["detach", outputs["policyArn"].as_str().unwrap()]);
    let doctor = fails(aws, 1, &["doctor", "dev"]);
    assert!(
        doctor.contains("BROKEN  policy") && doctor.contains("aws iam attach-role-policy"),
        "{doctor}"
    );
    assert!(doctor.contains("\n1 problem found"), "{doctor}");
    let lost = fails(aws, 1, &["invoke", "dev", "--count", "1", "--lines", "1", "--deadline", "8"]);
    assert!(lost.contains("NOT COMPLETE"), "{lost}");
    aws.python("tests/aws/setup.py", &["attach", outputs["policyArn"].as_str().unwrap()]);
    // The log of the last hour may still have what the extension reported meanwhile.
    let (_, doctor, _) = types(aws, &["doctor", "dev"]);
    assert!(doctor.contains("ok      policy"), "{doctor}");
}

fn wrong_questions_are_answered_in_plain_words(aws: &Ministack) {
    let error = fails(aws, 2, &["outputs", "prod"]);
    assert!(error.contains("is the stack KinesisTelemetry-dev, not the stage prod"), "{error}");
    let asks = |change: &dyn Fn(&mut Command)| {
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        aws.credentials(xtask.args(["outputs", "dev"]).stdin(Stdio::null()));
        change(&mut xtask);
        let output = xtask.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        text(&output)
    };
    let other = asks(&|it| _ = it.env("AWS_REGION", "eu-west-1"));
    assert!(other.contains("(region eu-west-1)") && other.contains("check AWS_REGION"), "{other}");
    let none = asks(&|it| _ = it.env_remove("AWS_REGION"));
    assert!(none.contains("no AWS region is set"), "{none}");
    let without = asks(&|it| _ = it.env_remove("AWS_ACCESS_KEY_ID"));
    assert!(without.contains("no AWS credentials"), "{without}");
    let lent = aws.python("tests/aws/setup.py", &["lent"]);
    let denied = asks(&|it| {
        for (name, key) in [
            ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
            ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
            ("AWS_SESSION_TOKEN", "SessionToken"),
        ] {
            it.env(name, lent[key].as_str().unwrap());
        }
    });
    assert!(denied.contains("access denied") && denied.contains("ssm:GetParameters"), "{denied}");
}
