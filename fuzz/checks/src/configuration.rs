//! Checks how the environment becomes settings.

use extension_spec::packing::Combination;
use extension_spec::{Bytes, Config, ENV_PREFIX, Loaded, Value};
use kinesis_telemetry_extension::Environment;

/// Takes each line as a variable, `NAME=VALUE`, which has our prefix unless it begins with `!`. Checks that settings
/// are within their ranges and compatible, and that each problem is reported in one line.
pub fn configuration(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let variables: Vec<(String, String)> = text
        .split('\n')
        .map(|line| {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            let own = || format!("{ENV_PREFIX}{name}");
            let name = name.strip_prefix('!').map_or_else(own, str::to_owned);
            // Only names may contain line breaks here, and only if the environment has them.
            (name.replace("\\n", "\n"), value.replace("\\n", "\n"))
        })
        .collect();
    let Loaded { config, problems, notices } = extension_spec::load(variables.iter().cloned());
    is_within_ranges(&config);
    let combination = Combination::of(config.record_format);
    assert!(combination.compressions.contains(&config.compression));
    assert!(combination.envelopes.contains(&config.envelope));
    for problem in problems.iter().chain(&notices) {
        let said = problem.to_string();
        assert!(!said.contains(['\n', '\r']), "a problem is one line: {said}");
        assert!(said.starts_with(ENV_PREFIX) && said.contains("; "), "{said}");
    }
    let environment = Environment::read(variables);
    assert_eq!((&environment.config, &environment.problems), (&config, &problems));
    for notice in &environment.notices {
        assert!(!notice.to_string().contains(['\n', '\r']), "a notice is one line: {notice}");
    }
    assert!(environment.queue_max_bytes() >= 4_194_304);
}

/// Every number that has a range.
fn is_within_ranges(config: &Config) {
    let optional = |bytes: Option<Bytes>| bytes.map(|it| it.0);
    let numbers = [
        ("flush_timeout", config.flush_timeout.number()),
        ("max_age", config.max_age.number()),
        ("max_batch_records_items", config.max_batch_records_items.number()),
        ("buffer_timeout", config.buffer_timeout.number()),
        ("logs_buffer_max_bytes", config.logs_buffer_max_bytes.number()),
        ("max_buffer_items_count", config.max_buffer_items_count.number()),
        ("connection_timeout", config.connection_timeout.number()),
        ("max_record_bytes", config.max_record_bytes.number()),
        ("max_request_bytes", config.max_request_bytes.number()),
        ("target_record_bytes", config.target_record_bytes.number()),
        ("queue_max_bytes", optional(config.queue_max_bytes)),
        ("spill_max_bytes", optional(config.spill_max_bytes)),
    ];
    for param in Config::PARAMS {
        let Some(range) = param.range else { continue };
        let number = numbers.iter().find(|(field, _)| *field == param.field);
        let (_, number) = number.unwrap_or_else(|| panic!("{} is to be added here", param.field));
        let is_within = number.is_none_or(|it| (range.min..=range.max).contains(&it));
        assert!(is_within, "{}={number:?}", param.field);
    }
}
