//! Invalid names in the environment: every command reports them with the value, before it calls AWS.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::refusals::COMMANDS;
use crate::server::{Server, code_and_text, ok};

const PREFLIGHT: &[&str] = &["preflight"];

/// Checks that each command prints one line with these words, in an environment with this change.
fn each_reports(change: &dyn Fn(&mut Command), words: &[&str]) {
    let commands: Vec<_> = COMMANDS.iter().copied().chain([PREFLIGHT]).collect();
    all_report(&commands, change, words);
}

fn all_report(commands: &[&[&str]], change: &dyn Fn(&mut Command), words: &[&str]) {
    let server = Server::start(|_| ok(&json!({})));
    for command in commands {
        let mut process = server.command(command);
        change(&mut process);
        let (code, text) = code_and_text(&process.output().unwrap());
        assert_eq!(code, 2, "{command:?}: {text}");
        assert!(text.starts_with("error: ") && text.lines().count() == 1, "{command:?}: {text}");
        assert!(words.iter().all(|it| text.contains(it)), "{command:?}: {text}");
    }
    assert!(server.asked().is_empty(), "{:?}", server.asked());
}

#[test]
fn an_unknown_profile_is_reported_with_files_and_profiles() {
    let folder = tempfile::tempdir().unwrap();
    let (config, credentials) = (folder.path().join("config"), folder.path().join("credentials"));
    // The second section is a common mistake: in this file it does not define a profile.
    fs::write(&config, "[profile one]\nregion = eu-west-1\n[work]\nregion = eu-west-1\n").unwrap();
    fs::write(&credentials, "[two]\naws_access_key_id = a\naws_secret_access_key = b\n").unwrap();
    let files = |it: &mut Command| {
        it.env("AWS_CONFIG_FILE", &config).env("AWS_SHARED_CREDENTIALS_FILE", &credentials);
    };
    for (variable, value) in [
        ("AWS_PROFILE", "tow"),
        ("AWS_PROFILE", "work"),
        ("AWS_PROFILE", "One"),
        ("AWS_PROFILE", "one "),
        ("AWS_PROFILE", "default"),
        ("AWS_DEFAULT_PROFILE", "tow"),
    ] {
        let change = |it: &mut Command| {
            files(it);
            it.env(variable, value);
        };
        let (names, file) = (format!("{variable} is {value:?}"), config.to_string_lossy());
        each_reports(
            &change,
            &[&names, &file, "an existing one (\"one\", \"two\")", "[profile NAME]"],
        );
    }
    // The AWS CLI accepts this name, but no SDK does.
    fs::write(&config, "[profile \"my work\"]\nregion = eu-west-1\n").unwrap();
    let spaced = |it: &mut Command| {
        files(it);
        it.env("AWS_PROFILE", "my work");
    };
    each_reports(&spaced, &["AWS_PROFILE is \"my work\"", "only letters, digits"]);
    let home = |it: &mut Command| {
        it.env_remove("AWS_CONFIG_FILE").env_remove("AWS_SHARED_CREDENTIALS_FILE");
        it.env("HOME", folder.path()).env("AWS_PROFILE", "tow\u{1b}[31m\n");
    };
    let missing = format!("{}/.aws/config (which does not exist)", folder.path().display());
    each_reports(
        &home,
        &["AWS_PROFILE is \"tow\\u{1b}[31m\\n\"", &missing, ": unset AWS_PROFILE, or add"],
    );
}

#[test]
fn an_empty_variable_names_no_profile() {
    let server = Server::start(|_| ok(&json!({ "Parameters": [] })));
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    fs::write(&config, "[default]\nregion = eu-west-1\n[profile mine]\nregion = eu-west-2\n")
        .unwrap();
    for (variable, value, region) in [
        ("AWS_PROFILE", "", "eu-west-1"),
        ("AWS_PROFILE", "mine", "eu-west-2"),
        ("AWS_DEFAULT_PROFILE", "mine", "eu-west-2"),
    ] {
        let mut command = server.command(&["outputs"]);
        command.env_remove("AWS_REGION").env("AWS_CONFIG_FILE", &config).env(variable, value);
        let (_, text) = code_and_text(&command.output().unwrap());
        assert!(text.contains(&format!("(region {region})")), "{variable}={value}: {text}");
    }
}

#[test]
fn a_malformed_configuration_file_is_reported_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    fs::write(&config, "[profile one]\nregion\n").unwrap();
    let change = |it: &mut Command| _ = it.env("AWS_CONFIG_FILE", &config);
    each_reports(&change, &["cannot be read", &config.to_string_lossy(), "line 2"]);
}

#[test]
fn a_missing_region_is_reported_with_the_places_for_it() {
    let change = |it: &mut Command| _ = it.env_remove("AWS_REGION");
    each_reports(
        &change,
        &[
            "no AWS region is set: set AWS_REGION, or region in the profile \"default\"",
            "/dev/null",
        ],
    );
}

#[test]
fn a_malformed_region_is_reported_with_its_source() {
    for region in [
        "",
        " ",
        "Frankfurt",
        "eu-central",
        "eu_central_1",
        "EU-CENTRAL-1",
        "eu-central-1 ",
        "x\u{1b}[31m",
    ] {
        let value = format!("{region:?} is not the name of an AWS region");
        all_report(
            &[PREFLIGHT],
            &|it| _ = it.env("AWS_REGION", region),
            &[&value, "(from AWS_REGION)", "eu-central-1"],
        );
        let default = |it: &mut Command| {
            it.env_remove("AWS_REGION").env("AWS_DEFAULT_REGION", region);
        };
        all_report(&[PREFLIGHT], &default, &[&value, "(from AWS_DEFAULT_REGION)"]);
    }
    each_reports(&|it| _ = it.env("AWS_REGION", "eu-west-1b"), &["set eu-west-1"]);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    fs::write(&config, "[profile mine]\nregion = Frankfurt\n").unwrap();
    let change = |it: &mut Command| {
        it.env_remove("AWS_REGION").env("AWS_CONFIG_FILE", &config).env("AWS_PROFILE", "mine");
    };
    each_reports(&change, &["\"Frankfurt\" is not the name", "the profile \"mine\" (AWS_PROFILE)"]);
}
