//! `doctor --all`: every function that has the layer.

use expect_test::expect;
use serde_json::{Value, json};

use super::{LAYER, healthy_but, missing};
use crate::server::{Server, ok, refused};

/// Serves an account with four functions, of which three have the layer.
pub(crate) fn account() -> Server {
    healthy_but(|call| {
        let path = call.operation.as_str();
        if path.split('?').next().unwrap().ends_with("/functions") || path.contains("/functions/?")
        {
            let function = |name: &str, layers: &[&str]| {
                let layers: Vec<_> = layers.iter().map(|arn| json!({ "Arn": arn })).collect();
                json!({ "FunctionName": name, "Layers": layers })
            };
            let functions = [
                function("orders", &[LAYER]),
                function("invoices", &[LAYER]),
                function("other", &[]),
                function("gone", &[LAYER]),
            ];
            return Some(ok(&json!({ "Functions": functions })));
        }
        let is_invoices = call.body["logGroupName"] == "/aws/lambda/invoices";
        (path == "FilterLogEvents" && is_invoices).then(missing_permission)
    })
}

fn missing_permission() -> crate::server::Answer {
    refused("AccessDeniedException", "not authorized")
}

#[test]
fn problems_are_grouped_by_function() {
    let server = account();
    let output = server.command(&["doctor", "--all"]).env("COLUMNS", "80").output().unwrap();
    let (code, text) = crate::server::code_and_text(&output);
    assert_eq!(code, 1, "{text}");
    let place = server.place();
    expect![[r"
        ok      credentials   arn:aws:iam::111122223333:user/me, http://AWS
                              (region eu-central-1)
        ok      parameters    9 published by the stack KinesisTelemetry-dev
        ok      layer x86_64  arn:aws:lambda:eu-central-1:111122223333:layer:extension:1
        ok      layer arm64   arn:aws:lambda:eu-central-1:111122223333:layer:arm:1
        ok      stream        telemetry: 1 shard open, keeps records for 24 hours
        ok      key           arn:aws:kms:eu-central-1:111122223333:key/1111-22
        note    newest record no record in the last 15 minutes
        ok      queue         no dead letters

        BROKEN  gone: 1 problem found
          BROKEN  function      the function gone does not exist in eu-central-1
                                fix: it was deleted during the check: run the command again
        unknown invoices: 1 check could not be made
          unknown log           access denied: reading the log group
                                /aws/lambda/invoices at http://AWS (region
                                eu-central-1) requires the permission
                                logs:FilterLogEvents (not authorized); grant it, or use
                                other credentials (aws sts get-caller-identity shows the
                                current ones)
        ok      orders

        3 functions checked: 1 problem found, 1 check could not be made
    "]]
    .assert_eq(&text.replace(&place, "http://AWS"));
    let simulated = server.calls("POST /");
    let simulated = simulated.iter().filter(|it| it.as_str().unwrap().contains("Simulate"));
    assert_eq!(simulated.count(), 3, "a role that functions share is checked once");
}

#[test]
fn json_names_every_function() {
    let (code, text) = account().types(&["doctor", "--all", "--json"]);
    assert_eq!(code, 1, "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<_> = report["functions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["gone", "invoices", "orders"]);
    assert_eq!(report["functions"][0]["findings"][0]["verdict"], "broken");
    assert_eq!(report["deployment"][0]["what"], "credentials");
}

#[test]
fn a_denied_list_of_functions_is_an_error() {
    let server = healthy_but(|call| call.operation.contains("/functions").then(missing_permission));
    let (code, text) = server.types(&["doctor", "--all"]);
    assert_eq!((code, text.lines().count()), (2, 1), "{text}");
    assert!(text.contains("requires the permission lambda:ListFunctions"), "{text}");
}

#[test]
fn healthy_functions_take_one_line_each() {
    let server = healthy_but(|call| match call.operation.as_str() {
        path if path.contains("/functions?")
            || path.ends_with("/functions")
            || path.contains("/functions/?") =>
        {
            let layers = json!([{ "Arn": LAYER }]);
            Some(ok(&json!({ "Functions": [
                { "FunctionName": "orders", "Layers": layers }, { "FunctionName": "b", "Layers": layers },
            ] })))
        }
        "FilterLogEvents" => Some(missing()),
        _ => None,
    });
    let (code, text) = server.types(&["doctor", "--all"]);
    assert_eq!(code, 0, "{text}");
    let end = "\nok      b\nok      orders\n\n2 functions checked: no problem found; next: kinesis-telemetry tail shows what arrives\n";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn a_missing_deployment_is_reported_in_the_same_form() {
    let server = healthy_but(|call| {
        (call.operation == "GetParameters").then(|| ok(&json!({ "Parameters": [] })))
    });
    let (code, text) = server.types(&["doctor", "--all", "--json"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &report["functions"]), (1, &json!([])));
    assert_eq!(report["deployment"][1]["verdict"], "broken");
    let (code, text) = server.types(&["doctor", "--all"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.ends_with("\n\n0 functions checked: 1 problem found\n"), "{text}");
}
