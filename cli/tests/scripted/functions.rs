//! `functions`: the functions that have the layer, and their properties.

mod answers;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::server::{Answer, Call, Server, code_and_text, refused};
use answers::{Fleet, function, layer, name_of};

/// Runs the command in a terminal of this width, and returns what it prints on both streams.
fn printed(server: &Server, columns: &str, arguments: &[&str]) -> (i32, String) {
    let arguments = [&["functions"], arguments].concat();
    code_and_text(&server.command(&arguments).env("COLUMNS", columns).output().unwrap())
}

fn check(server: &Server, columns: &str, expected: &Expect) {
    let (code, text) = printed(server, columns, &[]);
    assert_eq!(code, 0, "{text}");
    let most = text.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(most <= columns.parse().unwrap(), "{text}");
    expected.assert_eq(&text);
}

/// Returns functions of every kind that the list distinguishes.
fn shop() -> Fleet {
    let mut orders =
        function("shop-prod-OrdersFunction3F2A9C1B-Zk1xYw9Qd3Lm", &[layer("x86_64", 12)]);
    orders["Environment"]["Variables"] = json!({
        "KINESIS_TELEMETRY_STREAM": "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry",
        "KINESIS_TELEMETRY_SAMPLE": "0.05",
        "OTHER": "x",
    });
    let mut invoices = function("invoices", &[layer("arm64", 9)]);
    invoices["Architectures"] = json!(["arm64"]);
    let mut secret = function("secret", &[layer("x86_64", 11)]);
    secret["Environment"] = json!({ "Error": {
        "ErrorCode": "AccessDeniedException", "Message": "kms:Decrypt is not allowed",
    } });
    let both = function("both", &[layer("arm64", 11), layer("x86_64", 12)]);
    let wrong = function("wrong", &[layer("arm64", 11)]);
    let other = function(
        "other",
        &["arn:aws:lambda:eu-central-1:580247275435:layer:Insights:5".to_owned()],
    );
    let mut image = function("image", &[]);
    image["PackageType"] = json!("Image");
    Fleet::of(vec![orders, invoices, secret, both, wrong, other, image])
        .tagged(
            "invoices",
            &[("aws:cloudformation:stack-name", "shop-invoices"), ("lambda:createdBy", "SAM")],
        )
        .tagged(
            "shop-prod-OrdersFunction3F2A9C1B-Zk1xYw9Qd3Lm",
            &[("aws:cloudformation:stack-name", "shop-prod")],
        )
        .alias("invoices", "live", "7", &[layer("arm64", 6)])
        .alias("invoices", "canary", "8", &[layer("arm64", 9)])
        .alias("secret", "live", "3", &[])
}

#[test]
fn the_table_fits_120_columns() {
    check(
        &shop().serve(),
        "120",
        &expect![[r"
            function                       layer  behind  arch    stream      managed by         runtime     changed     settings
            both                              12       -  x86_64  telemetry   unknown            nodejs22.x  2026-11-28
              problem: has the layers of both architectures, and the last one takes effect: remove
                arn:aws:lambda:eu-central-1:111122223333:layer:extension-arm64:11
            invoices                           9       2  arm64   telemetry   SAM shop-invoices  nodejs22.x  2026-11-28
              aliases: live runs function version 7 with layer version 6
            secret                            11       1  x86_64  unreadable  unknown            nodejs22.x  2026-11-28
              aliases: live runs function version 3 with no layer
            shop-prod-Orde…B-Zk1xYw9Qd3Lm     12       -  x86_64  telemetry   stack shop-prod    nodejs22.x  2026-11-28  SAMPLE=0.05
            wrong                             11       -  x86_64  telemetry   unknown            nodejs22.x  2026-11-28
              problem: is x86_64 but has the layer for arm64, so it fails at init

            5 functions have the layer: 2 behind the published version (x86_64 version 12, arm64 version 11), 2 with a wrong layer,
            2 with aliases that run an older layer version
        "]],
    );
}

#[test]
fn the_table_fits_80_columns() {
    check(
        &shop().serve(),
        "80",
        &expect![[r"
            function                     layer  behind  arch    stream      managed by
            both                            12       -  x86_64  telemetry   unknown
              problem: has the layers of both architectures, and the last one takes effect:
                remove arn:aws:lambda:eu-central-1:111122223333:layer:extension-arm64:11
            invoices                         9       2  arm64   telemetry   SAM shop…nvoices
              aliases: live runs function version 7 with layer version 6
            secret                          11       1  x86_64  unreadable  unknown
              aliases: live runs function version 3 with no layer
            shop-prod-Ord…-Zk1xYw9Qd3Lm     12       -  x86_64  telemetry   stack shop-prod
            wrong                           11       -  x86_64  telemetry   unknown
              problem: is x86_64 but has the layer for arm64, so it fails at init

            5 functions have the layer: 2 behind the published version (x86_64 version 12,
            arm64 version 11), 2 with a wrong layer, 2 with aliases that run an older layer
            version
        "]],
    );
}

#[test]
fn without_a_function_the_next_step_is_shown() {
    check(
        &Fleet::default().serve(),
        "80",
        &expect![[r"
        No function in eu-central-1 has the layer (published: x86_64 version 12, arm64
        version 11). kinesis-telemetry outputs shows how to add it.
    "]],
    );
}

#[test]
fn json_has_every_function_and_its_settings() {
    let (code, text) = printed(&shop().serve(), "80", &["--json"]);
    assert_eq!(code, 0, "{text}");
    let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
    let names: Vec<_> = rows.iter().map(|it| it["name"].as_str().unwrap()).collect();
    let orders = "shop-prod-OrdersFunction3F2A9C1B-Zk1xYw9Qd3Lm";
    assert_eq!(names, ["both", "invoices", "secret", orders, "wrong"]);
    expect![[r#"
        {
          "architecture": "arm64",
          "arn": "arn:aws:lambda:eu-central-1:111122223333:function:invoices",
          "behind": 2,
          "lastModified": "2026-11-28T09:15:00.000+0000",
          "layerVersion": 9,
          "layers": [
            "arn:aws:lambda:eu-central-1:111122223333:layer:extension-arm64:9"
          ],
          "managedBy": "SAM",
          "name": "invoices",
          "oldAliases": [
            {
              "alias": "live",
              "functionVersion": "7",
              "layerVersion": 6
            }
          ],
          "problem": null,
          "runtime": "nodejs22.x",
          "settings": {
            "KINESIS_TELEMETRY_STREAM": "telemetry"
          },
          "settingsError": null,
          "stack": "shop-invoices"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&rows[1]).unwrap());
    assert_eq!(rows[2]["settings"], Value::Null);
    assert_eq!(rows[2]["settingsError"], "AccessDeniedException: kms:Decrypt is not allowed");
    assert_eq!(rows[3]["settings"].as_object().unwrap().len(), 2, "only those of the extension");
    let (_, same) = printed(&shop().serve(), "80", &["--format", "json"]);
    assert_eq!(same, text);
}

#[test]
fn csv_cells_are_never_formulas() {
    let mut hostile = function("=cmd|' /C calc'!A0", &[layer("x86_64", 13)]);
    hostile["Runtime"] = json!("@SUM(1+1)");
    hostile["Environment"]["Variables"] = json!({ "KINESIS_TELEMETRY_STREAM": "-1+1,\"x\"\nnext" });
    let fleet = Fleet::of(vec![hostile])
        .tagged("=cmd|' /C calc'!A0", &[("aws:cloudformation:stack-name", "+1")]);
    let (code, text) = printed(&fleet.serve(), "80", &["--format", "csv"]);
    assert_eq!(code, 0, "{text}");
    expect![[r#"
        name,arn,architecture,runtime,layer_version,behind,layers,problem,stream,settings,last_modified,managed_by,stack,old_aliases
        '=cmd|' /C calc'!A0,arn:aws:lambda:eu-central-1:111122223333:function:=cmd|' /C calc'!A0,x86_64,'@SUM(1+1),13,-1,arn:aws:lambda:eu-central-1:111122223333:layer:extension-x86_64:13,,"'-1+1,""x"" next",,2026-11-28T09:15:00.000+0000,CloudFormation,'+1,
    "#]].assert_eq(&text);
}

#[test]
fn csv_has_one_line_for_each_function() {
    let (code, text) = printed(&shop().serve(), "80", &["--format", "csv"]);
    assert_eq!((code, text.matches('\n').count()), (0, 6), "{text}");
    assert!(text.ends_with('\n') && !text.contains('\r'), "{text:?}");
}

#[test]
fn every_page_of_the_list_is_read() {
    let layers =
        |n: usize| if n.is_multiple_of(40) { vec![layer("x86_64", 12)] } else { Vec::new() };
    let many = (0..120).map(|n| function(&format!("f{n:03}"), &layers(n))).collect();
    let server = Fleet::of(many).serve();
    let (code, text) = printed(&server, "80", &["--format", "csv"]);
    assert_eq!((code, text.lines().count()), (0, 4), "{text}");
    let pages = server
        .asked()
        .into_iter()
        .filter(|it| it.contains("/functions?") || it.ends_with("/functions"));
    assert_eq!(pages.count(), 3);
}

#[test]
fn throttled_calls_to_lambda_are_retried() {
    let answers = AtomicUsize::new(0);
    let server = shop().serve_but(move |call| {
        let is_list = name_of(call) == "ListFunctions";
        // More failures than the SDK itself retries.
        (is_list && answers.fetch_add(1, Ordering::Relaxed) < 3).then(|| {
            let body = json!({ "__type": "TooManyRequestsException", "message": "Rate exceeded" });
            (429, body.to_string().into())
        })
    });
    let (code, text) = printed(&server, "80", &["--format", "csv"]);
    assert_eq!((code, text.lines().count()), (0, 6), "{text}");
}

#[test]
fn denied_details_leave_a_note_with_the_permission() {
    let server = shop().serve_but(|call| match name_of(call) {
        "ListTags" | "ListAliases" => Some(denied()),
        _ => None,
    });
    let output = server.command(&["functions"]).env("COLUMNS", "80").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let notes = String::from_utf8(output.stderr).unwrap();
    assert_eq!(notes.lines().count(), 2, "{notes}");
    for permission in ["lambda:ListTags", "lambda:ListAliases"] {
        assert!(notes.contains(&format!("requires the permission {permission} ")), "{notes}");
    }
    assert!(notes.contains("note: \"managed by\" is ? for 5 functions: "), "{notes}");
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.lines().any(|it| it.starts_with("invoices ") && it.ends_with(" ?")), "{table}");
    assert!(table.contains("\n  aliases: ?\n"), "{table}");
}

#[test]
fn a_denied_version_makes_the_aliases_unknown() {
    let server =
        shop().serve_but(|call| (name_of(call) == "GetFunctionConfiguration").then(denied));
    let (code, text) = printed(&server, "80", &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("note: \"aliases\" is ? for 2 functions: "), "{text}");
    assert!(text.contains("requires the permission lambda:GetFunctionConfiguration "), "{text}");
}

#[test]
fn silent_tags_cost_one_timeout() {
    let (_stays_open, never) = channel::<()>();
    let never = Mutex::new(never);
    let many = (0..12).map(|n| function(&format!("f{n}"), &[layer("x86_64", 12)])).collect();
    let server = Fleet::of(many).serve_but(move |call| {
        (name_of(call) == "ListTags").then(|| {
            _ = never.lock().unwrap().recv();
            denied()
        })
    });
    let began = Instant::now();
    let (code, text) = printed(&server, "80", &[]);
    assert!(began.elapsed() < Duration::from_secs(11), "{text}");
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("note: \"managed by\" is ? for 12 functions: "), "{text}");
}

#[test]
fn a_denied_list_is_an_error_with_the_permission() {
    let server = shop().serve_but(|call| (name_of(call) == "ListFunctions").then(denied));
    let (code, text) = printed(&server, "80", &[]);
    assert_eq!((code, text.lines().count()), (2, 1), "{text}");
    assert!(text.contains("requires the permission lambda:ListFunctions"), "{text}");
}

#[test]
fn hostile_names_cannot_forge_output() {
    const HOSTILE: &str = "a\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}b\r\n0 functions have the layer";
    let mut hostile = function(HOSTILE, &[layer("x86_64", 1)]);
    hostile["LastModified"] = json!(HOSTILE);
    hostile["Runtime"] = json!(HOSTILE);
    hostile["Environment"]["Variables"] = json!({ "KINESIS_TELEMETRY_STREAM": HOSTILE });
    let fleet =
        Fleet::of(vec![hostile]).tagged(HOSTILE, &[("aws:cloudformation:stack-name", HOSTILE)]);
    let server = fleet.serve();
    for format in ["table", "csv", "json"] {
        let (code, text) = printed(&server, "200", &["--format", format]);
        assert_eq!(code, 0, "{text}");
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\r']), "{text:?}");
        assert!(!text.lines().any(|it| it.starts_with("0 functions")), "{text:?}");
    }
}

fn denied() -> Answer {
    refused("AccessDeniedException", "not authorized")
}

#[test]
fn a_canary_alias_shows_both_versions() {
    let fleet = Fleet::of(vec![function("f", &[layer("x86_64", 12)])]);
    let fleet = fleet.alias("f", "live", "2", &[layer("x86_64", 12)]).version("f", "1", &[]);
    let server = fleet.serve_but(|call: &Call| {
        (name_of(call) == "ListAliases").then(|| {
            let weights = json!({ "AdditionalVersionWeights": { "1": 0.9 } });
            let alias = json!({ "Name": "live", "FunctionVersion": "2", "RoutingConfig": weights });
            crate::server::ok(&json!({ "Aliases": [alias] }))
        })
    });
    let (code, text) = printed(&server, "80", &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("aliases: live runs function version 1 with no layer\n"), "{text}");
}
