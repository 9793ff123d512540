//! Every command, asked in vain: one clear message.

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

/// What this command says of what went wrong, which is a line; `change` is made to its environment.
fn said(server: &Server, command: &[&str], change: &dyn Fn(&mut std::process::Command)) -> String {
    let mut process = server.command(command);
    change(&mut process);
    let output = process.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    if command[0] == "doctor" && output.status.code() == Some(1) {
        // It answers the question what is wrong.
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

/// A service that refuses everything.
fn refusing(code: &'static str, message: &'static str) -> Server {
    Server::start(move |call| match call.operation.as_str() {
        // STS and IAM.
        "POST /" => refused_xml(code, message),
        _ => refused(code, message),
    })
}

fn each_says(server: &Server, change: &dyn Fn(&mut std::process::Command), words: &str) {
    for command in COMMANDS {
        let said = said(server, command, change);
        assert!(said.contains(words), "{command:?}: {said}");
    }
}

#[test]
fn credentials_that_have_expired_are_to_be_renewed() {
    let server = refusing("ExpiredTokenException", "The security token is expired");
    each_says(&server, &|_| (), "the credentials have expired: run aws sso login");
}

#[test]
fn credentials_that_are_wrong_are_to_be_checked() {
    let server = refusing("UnrecognizedClientException", "The security token is invalid");
    each_says(&server, &|_| (), "does not take these credentials: check AWS_PROFILE");
}

#[test]
fn no_credentials_and_no_region_are_asked_for() {
    let server = refusing("AccessDeniedException", "never asked");
    let nobody = |it: &mut std::process::Command| _ = it.env_remove("AWS_ACCESS_KEY_ID");
    each_says(&server, &nobody, "no AWS credentials: set AWS_PROFILE");
    for command in COMMANDS {
        let output = server.command(command).env_remove("AWS_REGION").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("error: no AWS region is set: set AWS_REGION"), "{said}");
    }
}

#[test]
fn where_nothing_listens_is_named() {
    let server = refusing("AccessDeniedException", "never asked");
    let nowhere =
        |it: &mut std::process::Command| _ = it.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    each_says(&server, &nowhere, "http://127.0.0.1:1 (region eu-central-1) cannot be reached");
}

#[test]
fn what_is_not_deployed_here_is_told_with_the_region_and_the_command_that_deploys_it() {
    let server = Server::start(|call| match call.operation.as_str() {
        "POST /" => xml("GetCallerIdentity", "<Arn>me</Arn>"),
        _ => ok(&json!({ "Parameters": [], "InvalidParameters": [] })),
    });
    let other = |it: &mut std::process::Command| _ = it.env("AWS_REGION", "eu-west-1");
    each_says(&server, &other, "no deployment at http://127.0.0.1:");
    each_says(&server, &other, "(region eu-west-1)");
    each_says(&server, &other, "check --region, --profile and --name");
    let of_stage = said(&server, &["outputs", "--stage", "dev"], &other);
    let expected = "deploy it with \"cargo xtask deploy dev\", or check AWS_REGION";
    assert!(of_stage.contains(expected), "{of_stage}");
}

#[test]
fn what_may_not_be_done_is_told_with_the_permission_that_it_takes() {
    let server = refusing("AccessDeniedException", "not authorized");
    for command in &COMMANDS[..5] {
        let said = said(&server, command, &|_| ());
        assert!(said.contains("may not do this") && said.contains("ssm:GetParameters"), "{said}");
    }
    let server = Server::start(|call| match call.operation.as_str() {
        "GetParameters" => deployed(),
        _ => refused("AccessDeniedException", "not authorized"),
    });
    let permissions = ["ListShards", "ListShards", "ListShards", "sqs:ReceiveMessage"].into_iter();
    for (command, permission) in COMMANDS[1..5].iter().zip(permissions) {
        let said = said(&server, command, &|_| ());
        assert!(said.contains("may not do this") && said.contains(permission), "{said}");
    }
}

#[test]
fn a_doctor_who_may_look_at_nothing_says_so_of_each_link() {
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
