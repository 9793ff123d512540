use std::time::Duration;

use clap::{CommandFactory as _, Parser as _};
use extension_spec::LogLevel;

use super::*;

fn typed(words: &str) -> Result<Command, clap::Error> {
    let words = ["kinesis-telemetry"].into_iter().chain(words.split(' '));
    CommandLine::try_parse_from(words).map(|it| it.command)
}

fn refusal(words: &str) -> String {
    typed(words).unwrap_err().to_string()
}

fn deployment(name: &str) -> Deployment {
    Deployment { name: Some(name.to_owned()), stage: None }
}

#[test]
fn the_command_line_is_well_formed() {
    CommandLine::command().debug_assert();
}

#[test]
fn help_breaks_lines_only_between_paragraphs() {
    let command = CommandLine::command();
    let all = command.get_subcommands().chain([&command]);
    for one in all.filter_map(clap::Command::get_after_help) {
        let help = one.to_string();
        for (line, next) in help.lines().zip(help.lines().skip(1)) {
            let is_prose = !line.is_empty() && !line.starts_with("  ");
            let ends = line.ends_with(['.', ':']) || next.is_empty();
            assert!(!is_prose || ends, "{line:?} goes on in {next:?}");
        }
    }
}

#[test]
fn arguments_become_options() {
    let expected = Tail {
        source: Source { deployment: deployment("blue"), stream: None },
        types: vec!["function".to_owned(), "platform".to_owned()],
        level: Some(LogLevel::Warn),
        since: Some(Since::Ago(Duration::from_mins(5))),
        ..Tail::default()
    };
    let words = "tail --name blue --type function --type platform --level warn --since 5m";
    assert_eq!(typed(words).unwrap(), Command::Tail(expected));
    let also_to =
        ["one", "two"].map(|it| format!("arn:aws-cn:kinesis:cn-north-1:111122223333:stream/{it}"));
    let words = format!("redrive --quiet 1 --also-to {} --also-to {}", also_to[0], also_to[1]);
    let expected = Redrive {
        deployment: Deployment::default(),
        quiet: Duration::from_secs(1),
        also_to: also_to.into(),
        json: false,
    };
    assert_eq!(typed(&words).unwrap(), Command::Redrive(expected));
}

#[test]
fn region_and_profile_may_precede_or_follow_the_command() {
    for words in
        ["--region eu-west-1 --profile prod tail", "tail --profile prod --region eu-west-1"]
    {
        let words = ["kinesis-telemetry"].into_iter().chain(words.split(' '));
        let global = CommandLine::try_parse_from(words).unwrap().global;
        assert_eq!(
            (global.regions.join(" ").as_str(), global.profile.as_deref()),
            ("eu-west-1", Some("prod"))
        );
    }
}

#[test]
fn functions_are_printed_in_one_format() {
    assert!(typed("functions --name blue --format csv").is_ok());
    assert!(refusal("functions --format csv --json").contains("cannot be used with"));
    assert!(refusal("doctor --all --function orders").contains("cannot be used with"));
}

#[test]
fn a_stream_replaces_the_deployment() {
    for stream in ["telemetry", "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry"] {
        assert!(typed(&format!("tail --stream {stream}")).is_ok(), "{stream}");
    }
    assert!(refusal("tail --stream a/b").contains("set the name of a stream"));
    assert!(refusal("tail --stream telemetry --name blue").contains("cannot be used with"));
}

#[test]
fn only_a_full_stream_arn_is_another_destination() {
    let arn = "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry";
    assert!(typed(&format!("redrive --also-to {arn}")).is_ok());
    let instead = |of: &str, new: &str| arn.replacen(of, new, 1);
    for bad in [
        "telemetry".to_owned(),
        "stream/telemetry".to_owned(),
        instead("arn:", "ARN:"),
        instead("aws", "gcp"),
        instead("aws", ""),
        instead("kinesis", "firehose"),
        instead("kinesis", "Kinesis"),
        instead("eu-central-1", ""),
        instead("eu-central-1", "*"),
        instead("111122223333", ""),
        instead("111122223333", "11112222333"),
        instead("111122223333", "1111222233334"),
        instead("111122223333", "11112222333x"),
        instead("stream/", "streams/"),
        instead("telemetry", ""),
        instead("telemetry", "*"),
        instead("telemetry", "telemetry/consumer/x:1"),
        instead("telemetry", "tele\u{1b}metry"),
        instead("telemetry", &"x".repeat(129)),
        format!("{arn}\u{a0}"),
        format!("{arn}\n"),
    ] {
        assert!(
            refusal(&format!("redrive --also-to {bad}")).contains("set the full ARN of a stream"),
            "{bad}"
        );
    }
}

#[test]
fn settings_are_validated_before_any_request() {
    let Command::Attach(attach) = typed(
        "attach --region eu-west-1 --all --set SAMPLE=0.5 --set KINESIS_TELEMETRY_KEEP=failed",
    )
    .unwrap() else {
        panic!("attach");
    };
    let expected = [("KINESIS_TELEMETRY_SAMPLE", "0.5"), ("KINESIS_TELEMETRY_KEEP", "failed")];
    assert_eq!(attach.settings, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(refusal("attach --all --set SAMPEL=0.5").contains("did you mean"));
    assert!(refusal("attach --all --set SAMPLE=2").contains("KINESIS_TELEMETRY_SAMPLE=\"2\""));
    assert!(refusal("attach --all --set SAMPLE").contains("set NAME=VALUE"));
}

#[test]
fn functions_must_be_selected() {
    for command in ["attach", "upgrade", "detach"] {
        for selector in ["--function a --function b", "--match ^a", "--tag team=x", "--all"] {
            assert!(typed(&format!("{command} {selector} --exclude c")).is_ok(), "{command}");
        }
        assert!(refusal(&format!("{command} --exclude c")).contains("required"), "{command}");
        assert!(refusal(&format!("{command} --function a/b")).contains("name of a function"));
    }
    assert!(typed("rollback --journal x.jsonl").is_ok());
    assert!(typed("attach --emit terraform --name blue").is_ok());
    assert!(refusal("attach --emit terraform --all").contains("cannot be used with"));
}

#[test]
fn regions_can_be_repeated() {
    let words = "kinesis-telemetry attach --all --region eu-west-1 --region eu-west-2";
    let global = CommandLine::try_parse_from(words.split(' ')).unwrap().global;
    assert_eq!(global.regions, ["eu-west-1", "eu-west-2"]);
}

#[test]
fn bad_values_are_refused() {
    for words in [
        "outputs --name runtime",
        "invoke --count 0",
        "invoke --count 1001",
        "tail --since soon",
        "tail --format pretty --json",
        "report --since 1h",
        "doctor --all --function orders",
        "completions tcsh",
    ] {
        assert!(typed(words).is_err(), "{words}");
    }
}
