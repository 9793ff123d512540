use super::*;
use crate::{
    Bytes, Compression, Envelope, Flush, Kind, Level, LogLevel, Millis, Sample, Stream, Wanted,
    variable,
};

/// Loads these variables (without prefix) and renders every problem.
fn problems(variables: &[(&str, &str)]) -> Vec<String> {
    loaded(variables).problems.iter().map(ToString::to_string).collect()
}

fn loaded(variables: &[(&str, &str)]) -> Loaded {
    load(variables.iter().map(|(name, value)| (format!("{ENV_PREFIX}{name}"), value)))
}

#[test]
fn an_empty_environment_gives_the_defaults() {
    let Loaded { config, problems, notices } = loaded(&[]);
    assert_eq!(notices, []);
    assert_eq!(problems, []);
    assert_eq!(config.stream, None);
    assert_eq!(config.flush, Flush::Adaptive);
    assert_eq!(config.buffer_timeout, Millis(100));
    assert_eq!(config.log_level, Level::Warn);
    assert!(config.enabled && !config.strict);
}

#[test]
fn every_variable_reaches_its_own_field() {
    let config = loaded(&[
        ("STREAM", "telemetry"),
        ("TYPES", "platform.report,function"),
        ("FLUSH", "Start"),
        ("FLUSH_TIMEOUT_MS", "51"),
        ("MAX_AGE_MS", "101"),
        ("MAX_BATCH_RECORDS_ITEMS", "7"),
        ("BUFFER_TIMEOUT_MS", "26"),
        ("LOGS_BUFFER_MAX_BYTES", "262145"),
        ("MAX_BUFFER_ITEMS_COUNT", "1001"),
        ("CONNECTION_TIMEOUT_MS", "102"),
        ("MAX_RECORD_BYTES", "4097"),
        ("TARGET_RECORD_BYTES", "1025"),
        ("QUEUE_MAX_BYTES", "4194305"),
        ("LOG_LEVEL", "debug"),
        ("STRICT", "true"),
        ("ENABLED", "FALSE"),
    ]);
    assert_eq!(config.problems, []);
    let config = config.config;
    assert_eq!(config.stream, Some(Stream::Name("telemetry".into())));
    assert_eq!(config.flush, Flush::Start);
    assert_eq!(config.queue_max_bytes, Some(Bytes(4_194_305)));
    let numbers = [
        config.flush_timeout.0,
        config.max_age.0,
        config.max_batch_records_items.0,
        config.buffer_timeout.0,
        config.logs_buffer_max_bytes.0,
        config.max_buffer_items_count.0,
        config.connection_timeout.0,
        config.max_record_bytes.0,
        config.target_record_bytes.0,
    ];
    assert_eq!(numbers, [51, 101, 7, 26, 262_145, 1_001, 102, 4_097, 1_025]);
    assert!(config.strict && !config.enabled);
}

#[test]
fn every_problem_is_reported_together_by_name_value_and_remedy() {
    assert_eq!(
        problems(&[
            ("BUFFER_TIMEOUT_MS", "soon"),
            ("MAX_BUFFER_ITEMS_COUNT", "5"),
            ("FLUSH", "now")
        ]),
        [
            "KINESIS_TELEMETRY_FLUSH=\"now\": not one of adaptive, end, start; \
             set one of adaptive, end, start, or remove it; adaptive is used until then",
            "KINESIS_TELEMETRY_BUFFER_TIMEOUT_MS=\"soon\": not a whole number of milliseconds; \
             set a whole number of milliseconds from 25 to 30000, or remove it; 100 is used until then",
            "KINESIS_TELEMETRY_MAX_BUFFER_ITEMS_COUNT=\"5\": below 1000; \
             set a whole number from 1000 to 10000, or remove it; 1000 is used until then",
        ]
    );
}

#[test]
fn an_invalid_value_leaves_the_default() {
    let config = loaded(&[("BUFFER_TIMEOUT_MS", "30001"), ("MAX_RECORD_BYTES", "-1")]).config;
    assert_eq!(config, loaded(&[]).config);
}

#[test]
fn an_empty_variable_counts_as_unset() {
    assert_eq!(problems(&[("BUFFER_TIMEOUT_MS", ""), ("STREAM", "  ")]), [""; 0]);
}

#[test]
fn numbers_are_digits_only_and_may_not_overflow() {
    for text in ["+100", "1e3", "0x64", "100ms", "1_000", "99999999999999999999999"] {
        assert_eq!(problems(&[("BUFFER_TIMEOUT_MS", text)]).len(), 1, "{text}");
    }
}

#[test]
fn a_misspelled_variable_is_reported_with_its_likely_name() {
    assert_eq!(
        problems(&[("BUFER_TIMEOUT_MS", "50")]),
        ["KINESIS_TELEMETRY_BUFER_TIMEOUT_MS=\"50\": no such setting; \
          did you mean KINESIS_TELEMETRY_BUFFER_TIMEOUT_MS?"]
    );
}

#[test]
fn variables_of_the_function_are_never_read() {
    let loaded = load([("BUFFER_TIMEOUT_MS", "soon"), ("STREAM", "orders")]);
    assert_eq!((loaded.problems, loaded.config.stream), (vec![], None));
}

#[test]
fn a_stream_is_a_name_or_an_arn_and_nothing_else() {
    let arn = "arn:aws:kinesis:eu-west-1:111122223333:stream/telemetry";
    let stream = |text| loaded(&[("STREAM", text)]).config.stream;
    assert_eq!(
        stream("orders_1.a-b").map(|it| it.as_str().to_owned()).as_deref(),
        Some("orders_1.a-b")
    );
    assert_eq!(stream(arn).as_ref().and_then(Stream::region), Some("eu-west-1"));
    for wrong in [
        "two words",
        "arn:aws:sqs:eu-west-1:111122223333:stream/telemetry",
        "arn:aws:kinesis:eu-west-1:1111:stream/telemetry",
        "arn:aws:kinesis:eu-west-1:111122223333:stream/",
        "arn:aws:kinesis:eu west\n1:111122223333:stream/a",
        "arn:awsfoo:kinesis:eu-west-1:111122223333:stream/a",
        "arn:aws-:kinesis:eu-west-1:111122223333:stream/a",
        "arn:aws:kinesis:eu-west-1:111122223333:stream/a/consumer/b:1",
        &"x".repeat(129),
    ] {
        assert_eq!(problems(&[("STREAM", wrong)]).len(), 1, "{wrong}");
    }
}

#[test]
fn types_select_categories_single_types_and_unknown_ones() {
    let types = loaded(&[("TYPES", "platform.report, function")]).config.types;
    assert_eq!(types.subscription(), ["platform", "function"]);
    let chosen =
        ["platform.report", "function", "kinesis-telemetry.quarantine", "faults.storm", ""];
    assert!(chosen.iter().all(|it| types.wanted(it) == Wanted::Always));
    let others = ["platform.start", "extension", "platform"];
    assert!(others.iter().all(|it| types.wanted(it) == Wanted::Never));
    let wrong = ["", "platfrom", "platform.", "function,,", "function.x", "function:loud"];
    for wrong in wrong.into_iter().chain(["platform:warn", "platform.report:warn", "function:"]) {
        let expected = usize::from(!wrong.is_empty());
        assert_eq!(problems(&[("TYPES", wrong)]).len(), expected, "{wrong}");
    }
}

#[test]
fn log_lines_can_have_a_lowest_level_and_the_mildest_counts() {
    let wanted = |text, event_type| loaded(&[("TYPES", text)]).config.types.wanted(event_type);
    assert_eq!(wanted("platform,function:warn", "function"), Wanted::From(LogLevel::Warn));
    assert_eq!(wanted("platform,function:warn", "platform.start"), Wanted::Always);
    assert_eq!(wanted("function:error,function:info", "function"), Wanted::From(LogLevel::Info));
    assert_eq!(wanted("function:error,function", "function"), Wanted::Always);
    let types = loaded(&[("TYPES", "extension:error")]).config.types;
    assert_eq!(types.subscription(), ["platform", "extension"]);
}

#[test]
fn a_queue_is_a_url_that_names_its_account() {
    let url = |text| loaded(&[("DEAD_LETTER_QUEUE_URL", text)]).config.dead_letter_queue_url;
    let queue = url("https://sqs.eu-west-1.amazonaws.com/111122223333/letters").unwrap();
    assert_eq!(queue.region(), Some("eu-west-1"));
    assert_eq!(url("http://127.0.0.1:9324/111122223333/letters.fifo").unwrap().region(), None);
    for wrong in [
        "letters",
        "arn:aws:sqs:eu-west-1:111122223333:letters",
        "https://sqs.eu-west-1.amazonaws.com/letters",
        "https://sqs.eu-west-1.amazonaws.com/111122223333/",
        "https://sqs.eu-west-1.amazonaws.com/111122223333/a/b",
    ] {
        assert_eq!(problems(&[("DEAD_LETTER_QUEUE_URL", wrong)]).len(), 1, "{wrong}");
    }
}

#[test]
fn the_format_wins_over_settings_that_it_excludes() {
    let variables = [("RECORD_FORMAT", "kpl"), ("COMPRESSION", "gzip"), ("ENVELOPE", "record")];
    assert_eq!(
        problems(&variables),
        [
            "KINESIS_TELEMETRY_COMPRESSION=\"gzip\": not possible with \
             KINESIS_TELEMETRY_RECORD_FORMAT=kpl; remove one of the two; none is used until then",
            "KINESIS_TELEMETRY_ENVELOPE=\"record\": not possible with \
             KINESIS_TELEMETRY_RECORD_FORMAT=kpl; remove one of the two; event is used until then",
        ]
    );
    let config = loaded(&variables).config;
    assert_eq!((config.compression, config.envelope), (Compression::None, Envelope::Event));
    assert_eq!(problems(&[("COMPRESSION", "zstd"), ("ENVELOPE", "record")]), [""; 0]);
}

#[test]
fn conflicting_settings_are_noted_if_they_were_set() {
    let notices =
        |variables| loaded(variables).notices.iter().map(ToString::to_string).collect::<Vec<_>>();
    let reported = notices(&[("BUFFER_TIMEOUT_MS", "2000"), ("TARGET_RECORD_BYTES", "2000000")]);
    assert_eq!(reported.len(), 2, "{reported:?}");
    assert!(reported[0].contains("above KINESIS_TELEMETRY_FLUSH_TIMEOUT_MS=1000"), "{reported:?}");
    assert_eq!(notices(&[("BUFFER_TIMEOUT_MS", "2000"), ("FLUSH", "start")]), [""; 0]);
    assert_eq!(notices(&[("MAX_RECORD_BYTES", "100000"), ("FLUSH_TIMEOUT_MS", "50")]), [""; 0]);
}

#[test]
fn with_an_invalid_share_every_invocation_is_delivered() {
    for share in ["2", "5 %", "1e-2", "NaN"] {
        let Loaded { config, problems, .. } = loaded(&[("SAMPLE", share)]);
        let reported: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let expected = format!(
            "KINESIS_TELEMETRY_SAMPLE={share:?}: not a decimal number from 0 to 1, such as 0.05; \
             set a decimal number from 0 to 1, such as 0.05, or remove it; 1 is used until then"
        );
        assert_eq!((reported, config.sample), (vec![expected], Sample::All));
    }
}

#[test]
fn with_invalid_conditions_every_invocation_is_delivered() {
    let variables = [("SAMPLE", "0"), ("KEEP", "failed,level:loud")];
    assert_eq!(
        problems(&variables),
        [
            "KINESIS_TELEMETRY_KEEP=\"failed,level:loud\": not failed, level:LEVEL such as level:error, or \
          slow:MS such as slow:2000, separated by commas; set failed, level:LEVEL such as level:error, or \
          slow:MS such as slow:2000, separated by commas, or remove it; every invocation is delivered until then"
        ]
    );
    assert_eq!(loaded(&variables).config.sample, Sample::All);
    assert_eq!(loaded(&variables[..1]).config.sample, Sample::Below(0));
}

#[test]
fn a_sample_of_lines_that_no_type_selects_is_noted() {
    let notices = |share, types| {
        let notices = loaded(&[("SAMPLE", share), ("TYPES", types)]).notices;
        notices.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        notices("0.05", "platform,extension"),
        ["KINESIS_TELEMETRY_SAMPLE=\"0.05\": no effect on the function's log lines, because \
          KINESIS_TELEMETRY_TYPES does not select them; remove it, or add function to KINESIS_TELEMETRY_TYPES"]
    );
    for types in ["platform,function", "function:warn"] {
        assert_eq!(notices("0", types), [""; 0]);
    }
    assert_eq!(notices("1", "platform"), [""; 0]);
}

#[test]
fn a_parameters_variable_is_its_name_with_the_prefix() {
    assert_eq!(variable::FLUSH_TIMEOUT_MS, format!("{ENV_PREFIX}FLUSH_TIMEOUT_MS"));
    let named = Config::PARAMS.iter().find(|param| param.field == "stream").map(|it| it.name);
    assert_eq!(named, variable::STREAM.strip_prefix(ENV_PREFIX));
}

#[test]
fn every_parameter_is_documented_unique_and_within_its_range() {
    let mut names: Vec<_> = Config::PARAMS.iter().map(|param| param.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Config::PARAMS.len());
    for param in Config::PARAMS {
        for line in param.doc {
            let is_sentence = line.starts_with(|c: char| c.is_uppercase()) && line.ends_with('.');
            assert!(is_sentence, "{}: {line:?}", param.name);
        }
        if let Kind::Choice(words) = param.kind {
            for (word, doc) in words {
                assert!(doc.starts_with(char::is_uppercase) && doc.ends_with('.'), "{word}: {doc}");
            }
        }
        let unit = match param.kind {
            Kind::Millis => "_MS",
            Kind::Bytes => "_BYTES",
            _ => "",
        };
        assert!(param.name.ends_with(unit), "{} names no unit", param.name);
        if let (Some(range), Ok(default)) = (param.range, param.default.parse::<u64>()) {
            assert!((range.min..=range.max).contains(&default), "{}", param.name);
        }
    }
    // Loading an empty environment parses every default.
    assert_eq!(loaded(&[]).problems, []);
}
