//! `doctor` with problems that no emulator can simulate, and with services that do not answer.

pub(crate) mod all;
mod log;
mod recent;

use std::sync::atomic::{AtomicUsize, Ordering};

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::server::{Answer, Call, STREAM, Server, ok, parameters, refused_xml, xml};

const QUEUE: &str = "https://sqs.eu-central-1.amazonaws.com/111122223333/letters";
const POLICY: &str = "arn:aws:iam::111122223333:policy/telemetry";
pub(crate) const LAYER: &str = "arn:aws:lambda:eu-central-1:111122223333:layer:extension:1";

/// Answers a call to IAM, given its form.
type Iam = fn(&str) -> Answer;

/// Serves a deployment without problems, except for the given answers about the function and its role.
fn server(stack: &'static str, concurrency: Value, iam: Iam) -> Server {
    server_but(stack, concurrency, iam, |_| None)
}

/// Serves a deployment without problems, except for the calls that `other` answers.
pub(crate) fn healthy_but(
    other: impl Fn(&Call) -> Option<Answer> + Send + Sync + 'static,
) -> Server {
    server_but("KinesisTelemetry-dev", json!({}), |_| decision("allowed", ""), other)
}

fn server_but(
    stack: &'static str,
    concurrency: Value,
    iam: Iam,
    other: impl Fn(&Call) -> Option<Answer> + Send + Sync + 'static,
) -> Server {
    let published = [
        ("stack/name", stack),
        ("extension/arn", LAYER),
        ("extension/release", "0.1.0"),
        ("extension/x86_64/arn", LAYER),
        ("extension/arm64/arn", "arn:aws:lambda:eu-central-1:111122223333:layer:arm:1"),
        ("runtime/policy/arn", POLICY),
        ("stream/arn", STREAM),
        ("dead-letters/url", QUEUE),
        ("test-function/name", "tester"),
    ];
    // A stack without a stage has no test function.
    let count = if stack.starts_with("KinesisTelemetry-") { 9 } else { 8 };
    let function = json!({
        "FunctionName": "orders",
        "FunctionArn": "arn:aws:lambda:eu-central-1:111122223333:function:orders",
        "Role": "arn:aws:iam::111122223333:role/path/orders",
        "Layers": [{ "Arn": LAYER }],
        "VpcConfig": { "VpcId": "vpc-1" },
        "Environment": { "Variables": {
            "KINESIS_TELEMETRY_STREAM": "telemetry",
            "KINESIS_TELEMETRY_DEAD_LETTER_QUEUE_URL": QUEUE,
        } },
    });
    let healthy = move |call: &Call| match call.operation.as_str() {
        "GetParameters" => parameters(&published[..count]),
        "ListShards" => ok(&json!({ "Shards": [{
            "ShardId": "shardId-000000000000",
            "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "1" },
            "SequenceNumberRange": { "StartingSequenceNumber": "0" },
        }] })),
        "GetShardIterator" => ok(&json!({ "ShardIterator": "it" })),
        "GetRecords" => ok(&json!({ "Records": [], "MillisBehindLatest": 0 })),
        "FilterLogEvents" => ok(&json!({ "events": [] })),
        "DescribeStreamSummary" => ok(&json!({ "StreamDescriptionSummary": {
            "StreamName": "telemetry",
            "StreamARN": STREAM,
            "StreamStatus": "ACTIVE",
            "RetentionPeriodHours": 24,
            "StreamCreationTimestamp": 1,
            "EnhancedMonitoring": [],
            "EncryptionType": "KMS",
            "KeyId": "1111-22",
            "OpenShardCount": 1,
        } })),
        "DescribeKey" => ok(&json!({ "KeyMetadata": {
            "KeyId": "1111-22", "Arn": call.body["KeyId"], "Enabled": true, "KeyManager": "CUSTOMER",
        } })),
        "GetQueueAttributes" => ok(&json!({ "Attributes": {} })),
        path if path.contains("/functions/") && path.ends_with("/configuration") => {
            match path.split('/').rev().nth(1) {
                Some("gone") => missing(),
                Some("orders") => ok(&function),
                name => {
                    let mut function = function.clone();
                    function["FunctionName"] = json!(name);
                    ok(&function)
                }
            }
        }
        path if path.contains("/functions/") && path.ends_with("/concurrency") => ok(&concurrency),
        path if path.contains("/functions/") => missing(),
        path if path.contains("/layers") => ok(&json!({})),
        _ => form(call, iam),
    };
    Server::start(move |call| other(call).unwrap_or_else(|| healthy(call)))
}

fn missing() -> Answer {
    (404, json!({ "__type": "ResourceNotFoundException", "Message": "no" }).to_string().into())
}

/// Answers the calls of STS and IAM, whose protocol uses forms and XML.
fn form(call: &Call, iam: Iam) -> Answer {
    let form = call.body.as_str().unwrap_or_default();
    if form.contains("Action=GetCallerIdentity") {
        return xml("GetCallerIdentity", "<Arn>arn:aws:iam::111122223333:user/me</Arn>");
    }
    iam(form)
}

fn decision(decision: &str, more: &str) -> Answer {
    let result =
        format!("<EvalActionName>it</EvalActionName><EvalDecision>{decision}</EvalDecision>{more}");
    let results = format!("<EvaluationResults><member>{result}</member></EvaluationResults>");
    xml("SimulatePrincipalPolicy", &results)
}

fn denied(form: &str) -> Answer {
    if form.contains("Action=SimulatePrincipalPolicy") {
        return refused_xml("AccessDenied", "no");
    }
    xml(
        "ListAttachedRolePolicies",
        "<AttachedPolicies></AttachedPolicies><IsTruncated>false</IsTruncated>",
    )
}

pub(crate) const ORDERS: [&str; 3] = ["doctor", "--function", "orders"];

/// Serves a deployment whose function's role must not write to the stream.
pub(crate) fn denied_to_write() -> Server {
    server("KinesisTelemetry-dev", json!({}), |_| decision("implicitDeny", ""))
}

#[test]
fn a_role_is_judged_by_a_simulation_of_each_permission() {
    let server = server("KinesisTelemetry-dev", json!({}), |_| decision("allowed", ""));
    let (code, text) = server.types(&ORDERS);
    assert_eq!(code, 0, "{text}");
    let role = "ok      policy        role orders, allowed: kinesis:PutRecords, kms:GenerateDataKey, sqs:SendMessage\n";
    assert!(text.contains(role), "{text}");
    assert!(text.contains("note    network       orders is in vpc-1"), "{text}");
    // The simulation has the stream's key, and the encryption context of Kinesis.
    let key = "arn:aws:kms:eu-central-1:111122223333:key/1111-22";
    assert_eq!(server.calls("DescribeKey")[0]["KeyId"], key);
    let asked = server.calls("POST /");
    let asked = asked.iter().filter_map(Value::as_str).find(|it| it.contains("GenerateDataKey"));
    let asked = asked.unwrap();
    assert!(asked.contains("aws%3Akinesis%3Aarn") && asked.contains("key%2F1111-22"), "{asked}");
}

#[test]
fn the_reason_of_a_denial_is_named() {
    let cases: [(Iam, &str); 3] = [
        (|_| decision("explicitDeny", ""), "a policy denies it"),
        (|_| decision("implicitDeny", ""), "no policy allows it"),
        (
            |_| {
                let allows = "<AllowedByPermissionsBoundary>false</AllowedByPermissionsBoundary>";
                let detail = "PermissionsBoundaryDecisionDetail";
                decision("implicitDeny", &format!("<{detail}>{allows}</{detail}>"))
            },
            "its permissions boundary does not allow it",
        ),
    ];
    for (iam, why) in cases {
        let (code, text) = server("KinesisTelemetry-dev", json!({}), iam).types(&ORDERS);
        assert_eq!(code, 1, "{text}");
        let expected =
            format!("the role orders is not allowed kinesis:PutRecords on {STREAM}: {why}");
        assert!(text.contains(&expected), "{text}");
    }
}

#[test]
fn without_a_simulation_the_attached_policy_is_checked() {
    let (code, text) = server("KinesisTelemetry-dev", json!({}), denied).types(&ORDERS);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("BROKEN  policy        not attached to the role orders; iam:SimulatePrincipalPolicy is needed"),
        "{text}"
    );
}

#[test]
fn throttled_calls_to_iam_are_retried() {
    let calls = AtomicUsize::new(0);
    let server = healthy_but(move |call| {
        let is_iam = call.body.as_str().is_some_and(|it| it.contains("SimulatePrincipalPolicy"));
        // More failures than the SDK itself retries.
        (is_iam && calls.fetch_add(1, Ordering::Relaxed) < 3)
            .then(|| refused_xml("Throttling", "Rate exceeded"))
    });
    let (code, text) = server.types(&ORDERS);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("ok      policy        role orders, allowed: "), "{text}");
}

#[test]
fn a_function_without_concurrency_and_a_missing_one_are_reported() {
    let none = json!({ "ReservedConcurrentExecutions": 0 });
    let server = server("KinesisTelemetry-dev", none, |_| decision("allowed", ""));
    let (code, text) = server.types(&ORDERS);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("BROKEN  concurrency   the reserved concurrency of orders is 0"),
        "{text}"
    );
    let (code, text) = server.types(&["doctor", "--function", "gone"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("fix: check --function and --region"), "{text}");
}

#[test]
fn a_stack_without_a_stage_needs_no_test_function() {
    let server = server("Telemetry", json!({}), |_| decision("allowed", ""));
    let (code, text) = server.types(&["doctor"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("ok      parameters    8 published by the stack Telemetry"), "{text}");
}

/// Compares the whole output for a healthy deployment in a terminal of this width.
fn check_width(columns: &str, expected: &Expect) {
    let server = server("KinesisTelemetry-dev", json!({}), |_| decision("allowed", ""));
    let output = server.command(&["doctor"]).env("COLUMNS", columns).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().all(|line| line.len() <= columns.parse().unwrap()), "{text}");
    expected.assert_eq(&text.replace(&server.place(), "http://AWS"));
}

#[test]
fn the_report_fits_80_columns() {
    check_width(
        "80",
        &expect![[r"
            ok      credentials   arn:aws:iam::111122223333:user/me, http://AWS
                                  (region eu-central-1)
            ok      parameters    9 published by the stack KinesisTelemetry-dev
            ok      layer x86_64  arn:aws:lambda:eu-central-1:111122223333:layer:extension:1
            ok      layer arm64   arn:aws:lambda:eu-central-1:111122223333:layer:arm:1
            ok      function      tester (x86_64) with the published layer version
            note    network       tester is in vpc-1: if its subnets have no route to the
                                  internet, it needs VPC endpoints for kinesis-streams and
                                  sqs (docs/deploying.md)
            ok      policy        role orders, allowed: kinesis:PutRecords,
                                  kms:GenerateDataKey, sqs:SendMessage
            ok      log           no warning or error of the extension in the last hour of
                                  /aws/lambda/tester
            ok      stream        telemetry: 1 shard open, keeps records for 24 hours
            ok      key           arn:aws:kms:eu-central-1:111122223333:key/1111-22
            note    newest record no record in the last 15 minutes
            ok      queue         no dead letters

            no problem found; next: kinesis-telemetry invoke checks that every event arrives
        "]],
    );
}

#[test]
fn the_report_fits_120_columns() {
    check_width(
        "120",
        &expect![[r"
            ok      credentials   arn:aws:iam::111122223333:user/me, http://AWS (region eu-central-1)
            ok      parameters    9 published by the stack KinesisTelemetry-dev
            ok      layer x86_64  arn:aws:lambda:eu-central-1:111122223333:layer:extension:1
            ok      layer arm64   arn:aws:lambda:eu-central-1:111122223333:layer:arm:1
            ok      function      tester (x86_64) with the published layer version
            note    network       tester is in vpc-1: if its subnets have no route to the internet, it needs VPC endpoints for
                                  kinesis-streams and sqs (docs/deploying.md)
            ok      policy        role orders, allowed: kinesis:PutRecords, kms:GenerateDataKey, sqs:SendMessage
            ok      log           no warning or error of the extension in the last hour of /aws/lambda/tester
            ok      stream        telemetry: 1 shard open, keeps records for 24 hours
            ok      key           arn:aws:kms:eu-central-1:111122223333:key/1111-22
            note    newest record no record in the last 15 minutes
            ok      queue         no dead letters

            no problem found; next: kinesis-telemetry invoke checks that every event arrives
        "]],
    );
}

#[test]
fn without_problems_the_next_command_is_named() {
    let server = server("KinesisTelemetry-dev", json!({}), |_| decision("allowed", ""));
    let last = |arguments: &[&str]| {
        let (code, text) = server.types(arguments);
        assert_eq!(code, 0, "{text}");
        text.lines().last().unwrap().to_owned()
    };
    let next = "no problem found; next: kinesis-telemetry";
    let invoke = format!("{next} invoke checks that every event arrives");
    assert_eq!(last(&["doctor"]), invoke);
    assert_eq!(last(&["doctor", "--function", "tester"]), invoke);
    assert_eq!(last(&ORDERS), format!("{next} tail --function orders shows what arrives"));
}

#[test]
fn a_layer_is_shown_with_its_release_and_signer() {
    let server = healthy_but(|call| {
        let is_signed = call.operation.contains("layer%3Aarm");
        let signer = is_signed.then_some("arn:aws:signer:eu-central-1:111122223333:/p/v1");
        call.operation.contains("/layers").then(|| {
            ok(&json!({
                "Description": "kinesis-telemetry-extension 0.1.0: delivers telemetry",
                "Content": { "SigningProfileVersionArn": signer },
            }))
        })
    });
    let (code, text) = server.types(&["doctor"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("layer:extension:1 (kinesis-telemetry-extension 0.1.0)\n"), "{text}");
    let signed = "(kinesis-telemetry-extension 0.1.0, signed by arn:aws:signer:eu-central-1:111122223333:/p/v1)\n";
    assert!(text.contains(signed), "{text}");
}

#[test]
fn an_encrypted_environment_is_unknown_with_the_permission() {
    let server = healthy_but(|call| {
        call.operation.ends_with("/configuration").then(|| {
            let error = json!({ "ErrorCode": "KMSAccessDeniedException", "Message": "no" });
            ok(&json!({
                "FunctionName": "orders",
                "Layers": [{ "Arn": LAYER }],
                "Environment": { "Error": error },
            }))
        })
    });
    let (code, text) = server.types(&ORDERS);
    assert_eq!(code, 1, "{text}");
    let expected = "unknown function      the environment of orders cannot be read, which requires kms:Decrypt on its key \
                    (KMSAccessDeniedException: no)";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn the_log_group_of_the_function_is_read() {
    let server = healthy_but(|call| {
        call.operation.ends_with("/configuration").then(|| {
            ok(&json!({ "FunctionName": "orders", "LoggingConfig": { "LogGroup": "/shop" } }))
        })
    });
    server.types(&ORDERS);
    assert_eq!(server.calls("FilterLogEvents")[0]["logGroupName"], "/shop");
}
