//! Compares the billed cost of the defaults with one record for each event. Pure: nothing is sent or timed.

mod documents;
mod money;

use extension_spec::{Compression, Envelope, RecordFormat, limits};
use kinesis_telemetry_extension::Packing;
use xtask_model::{Flow, LINES, Logs, Sent, defaults, invocations, packings, send};

const LOGS: [Logs; 2] = [Logs::Text, Logs::Json];

/// Returns what is sent for this many invocations, with the default target.
fn sent(logs: Logs, packing: Packing, flow: Flow, count: usize) -> Sent {
    let target = defaults().target_record_bytes.size();
    let sent = send(&invocations(logs, LINES, packing, count), flow, packing, target);
    assert!(sent.records > 0, "{packing:?}, {flow:?}: there is something to judge by");
    sent
}

#[test]
fn typical_lines_are_of_400_to_500_bytes_and_come_by_the_hundred_with_what_the_platform_says() {
    for logs in LOGS {
        for events in invocations(logs, LINES, Packing::default(), 3) {
            assert_eq!(events.len(), LINES + 3);
            let is_line = |own: &&[u8]| memchr::memmem::find(own, b"platform.").is_none();
            let lines: Vec<usize> = events
                .iter()
                .map(|event| &event.line[..event.own_len])
                .filter(is_line)
                .map(<[u8]>::len)
                .collect();
            assert_eq!(lines.len(), LINES);
            assert!(lines.iter().all(|len| (400..=500).contains(len)), "{lines:?}");
        }
    }
}

#[test]
fn by_default_an_invocation_costs_at_most_a_25th_of_what_one_record_an_event_costs() {
    for logs in LOGS {
        for flow in [Flow::Rare, Flow::Busy] {
            let sent = sent(logs, Packing::default(), flow, 50);
            assert!(sent.units * 25 <= sent.events, "{logs:?}, {flow:?}: {sent:?}");
        }
    }
}

#[test]
fn one_record_an_event_is_a_unit_and_a_kilobyte_each() {
    for logs in LOGS {
        let packing = Packing { format: RecordFormat::Event, ..Packing::default() };
        let sent = sent(logs, packing, Flow::Rare, 3);
        assert_eq!((sent.records, sent.units), (sent.events, sent.events));
        assert!(sent.on_demand >= sent.events * 1_024, "{logs:?}: {sent:?}");
    }
}

#[test]
fn on_a_busy_function_at_most_a_tenth_of_the_bill_is_rounding() {
    let uncompressed = packings().into_iter().filter(|it| it.compression == Compression::None);
    for packing in uncompressed.filter(|it| it.format != RecordFormat::Event) {
        for logs in LOGS {
            let sent = sent(logs, packing, Flow::Busy, 50);
            let billed = sent.units * limits::PAYLOAD_UNIT_BYTES;
            assert!(billed * 10 <= sent.bytes * 11, "{packing:?}, {logs:?}: {sent:?}");
            assert!(sent.on_demand * 100 <= sent.bytes * 101, "{packing:?}, {logs:?}: {sent:?}");
        }
    }
}

#[test]
fn with_compression_an_invocation_costs_at_most_a_100th_of_what_one_record_an_event_costs() {
    for compression in [Compression::Gzip, Compression::Zstd] {
        let packing = Packing { compression, ..Packing::default() };
        for logs in LOGS {
            for (flow, count) in [(Flow::Rare, 5), (Flow::Busy, 50)] {
                let sent = sent(logs, packing, flow, count);
                assert!(sent.units * 100 <= sent.events, "{packing:?}, {flow:?}: {sent:?}");
            }
        }
    }
}

#[test]
fn an_identity_that_a_record_says_once_saves_bytes_whatever_the_lines_are() {
    for logs in LOGS {
        let bytes = [Envelope::Event, Envelope::Record, Envelope::None].map(|envelope| {
            let packing = Packing { envelope, ..Packing::default() };
            sent(logs, packing, Flow::Rare, 5).bytes
        });
        assert!(bytes[0] > bytes[1] && bytes[1] > bytes[2], "{logs:?}: {bytes:?}");
    }
}
