"""Tests reading events from records, and the Collector."""

import gzip
import itertools
import json
import unittest
from unittest import mock

from kinesis_telemetry import BadRecord, Collector, deaggregate, inflate, lines_to_events, records_to_events

from . import streams


def arrived(collector: Collector) -> dict:
    return {event.identity[:2]: event.text for it in collector.instances() for event in collector.events(it)}


def pairs(collector: Collector, name: str) -> list:
    """The numbers in the ranges of a report, each with its instance."""
    reports = [(it, getattr(collector.report(it), name)) for it in collector.instances()]
    return [[it, number] for it, ranges in reports for number in itertools.chain.from_iterable(ranges)]


def event(seq: int, text: bytes = b'{"type":"function"', more: bytes = b"") -> bytes:
    """A line of instance `i`."""
    return text + b',"source":{"instance":"i","seq":%d%s}}\n' % (seq, more)


BAD_LINES = (
    b"not JSON",
    b"[]",
    b'"text"',
    b'{"record":"\xff"}',
    b'{"record":NaN}',
    b'{"a":1} {"b":2}',
    b'{"type":"kinesis-telemetry.record"}',
    b'{"type":"kinesis-telemetry.record","source":{"instance":"i","seq":1,"events":"3"}}',
    b'{"type":"kinesis-telemetry.record","source":{"instance":"i","seq":1,"events":1000000000000}}',
    b'{"type":"kinesis-telemetry.part","record":"x"}',
    b'{"type":"kinesis-telemetry.part","record":"x","source":{"instance":"i","seq":3,"part":1}}',
    b'{"type":"kinesis-telemetry.part","record":"x","source":{"instance":"i","seq":3,"part":3,"parts":2}}',
    b'{"type":"kinesis-telemetry.part","record":"x","source":{"instance":"i","seq":3,"part":1,"parts":1000000000000}}',
    b'{"type":"kinesis-telemetry.part","record":"\\ud800","source":{"instance":"i","seq":3,"part":1,"parts":2}}',
    b'{"type":"kinesis-telemetry.part","record":[],"source":{"instance":"i","seq":3,"part":1,"parts":2}}',
    b'{"type":"function","source":{"instance":"i","seq":3,"part":1,"parts":2}}',
    b'{"type":"function","source":{"instance":"i","seq":[3]}}',
    b'{"type":"function","source":{"instance":"i","seq":true}}',
    b'{"type":"function","source":{"instance":"i","seq":0}}',
    b'{"type":"function","source":{"instance":"i","seq":-1}}',
    b'{"type":"function","source":{"instance":"i","seq":9007199254740992}}',
    b'{"type":"function","source":{"instance":"i","seq":' + b"9" * 6_000 + b"}}",
    b'{"type":"function","source":{"instance":7,"seq":3}}',
    b'{"type":"function","source":{"instance":"","seq":3}}',
    b'{"type":"function","source":{"instance":"i"}}',
    b'{"type":"function","source":{"seq":3}}',
    b'{"type":"function","source":{"function":"\\ud800","instance":"i","seq":3}}',
    b'{"type":"function","source":{"function":{},"instance":"i","seq":3}}',
    b'{"type":"function","source":{"instance":"i","seq":3,"\\ud800":"x"}}',
    b'{"type":"function","source":{"instance":"i","seq":' + b"[" * 900 + b"]" * 900 + b"}}",
    b'{"type":"kinesis-telemetry.record","source":{"instance":"i","seq":1,"events":2000,"x":"' + b"x" * 16_000 + b'"}}',
)


class Records(unittest.TestCase):
    def collected(self, stream, records=None) -> Collector:
        collector = Collector()
        for record in stream.records if records is None else records:
            collector.add(record)
        return collector

    def test_every_combination_is_read_byte_for_byte_in_order_once(self):
        self.assertGreater(len(streams()), 10)
        for stream in streams():
            with self.subTest(stream.name):
                collector = self.collected(stream)
                self.assertEqual(arrived(collector), stream.events)
                self.assertEqual(sorted(event.text for event in collector.anonymous), sorted(stream.expected["anonymous"]))
                self.assertEqual(collector.duplicates, stream.expected["duplicates"])
                for instance in collector.instances():
                    numbers = [event.seq for event in collector.events(instance)]
                    self.assertEqual(numbers, sorted(set(numbers)))

    def test_what_is_missing_is_told_from_what_was_given_up(self):
        for stream in streams(envelope="event") + streams(envelope="record"):
            with self.subTest(stream.name):
                collector = self.collected(stream)
                self.assertEqual(pairs(collector, "missing"), stream.expected["missing"])
                self.assertEqual(pairs(collector, "shed"), stream.expected["shed"])
                for instance in collector.instances():
                    report = collector.report(instance)
                    self.assertEqual((report.incomplete, report.uncounted, report.is_explained), ({}, 0, False))
                    self.assertEqual(report.last, report.ledger["upTo"] + 1)

    def test_the_order_of_records_and_how_often_they_come_change_nothing(self):
        for stream in streams(envelope="event"):
            records = stream.records
            collector = self.collected(stream, [*reversed(records), *records])
            self.assertEqual(arrived(collector), stream.events)

    def test_a_line_is_written_again_as_it_was(self):
        for stream in streams(envelope="event"):
            lines = {(event["instance"], event["seq"]): event["line"] for event in stream.expected["events"]}
            collector = self.collected(stream)
            for event in itertools.chain.from_iterable(map(collector.events, collector.instances())):
                line = lines[event.identity[:2]]
                self.assertEqual(event.line, line or event.line)
            self.assertGreater(sum(line is not None for line in lines.values()), 40)

    def test_a_line_that_got_its_identity_from_its_record_reads_the_same(self):
        for stream in streams():
            for event in itertools.chain.from_iterable(map(records_to_events, stream.records)):
                self.assertEqual(lines_to_events((event.line + "\n").encode()), [event])

    def test_the_text_of_a_log_line_that_looks_like_an_identity_is_left_alone(self):
        for stream in streams():
            texts = [event.text for record in stream.records for event in records_to_events(record)]
            self.assertTrue(any('"record":{"source":{"function":"a",' in text for text in texts), stream.name)

    def test_a_file_of_many_records_reads_like_its_records(self):
        for stream in streams():
            file = b"".join(lines for record in stream.records for lines in deaggregate(inflate(record)))
            events = [event for record in stream.records for event in records_to_events(record)]
            self.assertEqual(lines_to_events(file), events, stream.name)

    def test_records_with_gzip_one_after_the_other_are_one_gzip_file(self):
        for stream in streams(compression="gzip"):
            self.assertEqual(gzip.decompress(b"".join(stream.records)), b"".join(map(inflate, stream.records)))

    def test_an_event_whose_part_is_missing_is_named_with_the_part(self):
        for stream in streams(envelope="record"):
            kept = [it for it in stream.records if [event.part for event in records_to_events(it)] != [2]]
            report = self.collected(stream, kept).report(stream.expected["events"][0]["instance"])
            self.assertEqual([numbers for numbers in report.incomplete.values()], [[range(2, 3)]])
            self.assertFalse(report.is_explained)

    def test_what_is_damaged_is_a_bad_record(self):
        for stream in streams(compression="gzip") + streams(compression="zstd") + streams(format="kpl"):
            record = max(stream.records, key=lambda data: (not data.startswith(b"{"), len(data)))
            for length in (len(record) - 5, 30):
                with self.assertRaises(BadRecord, msg=stream.name):
                    records_to_events(record[:length])
        for data in (b"", b'{"its":"end"}', b"no JSON\n", b"[1]\n", b'{"a":"\xff"}\n', b"\xf3\x89\x9a\xc2too short"):
            with self.assertRaises(BadRecord):
                records_to_events(data)

    def test_a_record_that_lacks_lines_keeps_the_others_and_names_the_gap(self):
        (stream,) = streams(compression="none", envelope="record")
        record = next(it for it in stream.records if it.count(b"\n") > 2)
        bad_lines = []
        events = records_to_events(record[: record[:-1].rindex(b"\n") + 1], bad_lines)
        self.assertEqual(events, records_to_events(record)[:-1])
        self.assertIn("1 events are missing", bad_lines[0].reason)

    def test_a_bad_line_is_reported_and_its_neighbours_are_kept(self):
        good = [event(seq) for seq in (1, 2)]
        for bad in BAD_LINES:
            with self.subTest(bad):
                bad_lines = []
                events = records_to_events(good[0] + bad + b"\n" + good[1], bad_lines)
                self.assertEqual([it.seq for it in events if it.instance], [1, 2])
                self.assertEqual([(it.number, it.line) for it in bad_lines], [(2, bad)])
        with self.assertLogs("kinesis_telemetry", "WARNING") as logs:
            records_to_events(good[0] + b"\x1b]0;\xc2\x9b\n" + good[1])
        self.assertTrue(logs.output[0].isascii() and logs.output[0].isprintable(), logs.output)

    def test_an_event_of_any_shape_is_read_whatever_the_parser_can_take(self):
        for text in (
            b'{"record":' + b"[" * 100_000 + b"]" * 100_000,
            b'{"record":' + b"9" * 6_000,
            b'{"record":"' + b"x" * 300_000 + b'"',
            b'{"record":{"source":{"function":"x","instance":"x","seq":9}}',
        ):
            (read,) = records_to_events(text + b',"source":{"instance":"i","seq":1}}\n')
            self.assertEqual((read.instance, read.seq, read.text.encode()), ("i", 1, text + b"}"))
            self.assertEqual(read.line.encode(), text + b',"source":{"instance":"i","seq":1}}')
        with self.assertRaises(BadRecord):
            records_to_events(event(1, b'{"record":' + b"[" * 100_000 + b"]" * 100_000))[0].value

    def test_without_a_decompressor_the_error_says_what_to_install(self):
        stream = streams(compression="zstd")[0]
        with mock.patch("importlib.import_module", side_effect=ImportError):
            with self.assertRaisesRegex(BadRecord, "Python 3.14 or the package"):
                records_to_events(stream.records[0])

    def test_a_ledger_that_names_more_numbers_than_it_means_explains_no_more_than_it_means(self):
        ledger = {"instance": "i", "upTo": 6, "shedRanges": [{"first": 1, "last": 6, "events": 2}]}
        source = {"function": "f", "version": "1", "instance": "i", "seq": 7}
        event = {"type": "kinesis-telemetry.ledger", "record": ledger, "source": source}
        collector = Collector()
        collector.add(json.dumps(event, separators=(",", ":")).encode() + b"\n")
        report = collector.report("i")
        self.assertEqual((report.shed, report.missing, report.uncounted), ([range(1, 7)], [], 4))
        self.assertFalse(report.is_explained)
        for seq in range(1, 5):
            event = {"type": "function", "source": {**source, "seq": seq}}
            collector.add(json.dumps(event, separators=(",", ":")).encode() + b"\n")
        self.assertTrue(collector.report("i").is_explained)

    def test_what_a_ledger_counts_as_sampled_out_is_not_missing(self):
        sampled_out = {"invocations": 9, "events": 90, "bytes": 40_000}
        counts = {"read": 99, "undecided": 7, "lateRemarkable": 1, "sampledOut": sampled_out, "other": None}
        ledger = {"instance": "i", "upTo": 2, **counts}
        collector = Collector()
        text = json.dumps({"type": "kinesis-telemetry.ledger", "record": ledger}).encode()[:-1]
        collector.add(event(1) + event(2) + event(3, text))
        report = collector.report("i")
        self.assertEqual((report.events, report.last, report.ledger), (3, 3, ledger))
        self.assertEqual((report.missing, report.shed, report.is_explained), ([], [], True))

    def test_an_implausible_ledger_explains_nothing(self):
        shed = {"first": 1, "last": 6, "events": 6}
        for ledger in (
            {"upTo": 6, "shedRanges": [{**shed, "events": 99}]},
            {"upTo": 6, "shedRanges": [{**shed, "last": 7}]},
            {"upTo": 6, "shedRanges": [shed, shed]},
            "x",
            {"upTo": 10**12, "shedRanges": [shed]},
            {"upTo": 7, "shedRanges": [shed]},
            {"upTo": "6", "shedRanges": [shed]},
            {"upTo": 6, "shedRanges": {"first": 1}},
            {"upTo": 6, "shedRanges": [{**shed, "first": None}]},
            {"upTo": 6, "shedRanges": [{**shed, "last": 10**40}]},
        ):
            collector = Collector()
            collector.add(event(7, json.dumps({"type": "kinesis-telemetry.ledger", "record": ledger}).encode()[:-1]))
            report = collector.report("i")
            self.assertEqual((report.ledger, report.missing, report.last), (None, [range(1, 7)], 7), ledger)

    def test_a_huge_number_costs_one_range(self):
        collector = Collector()
        collector.add(event(2**53 - 1) + event(3))
        self.assertEqual(collector.report("i").missing, [range(1, 3), range(4, 2**53 - 1)])

    def test_parts_that_disagree_on_their_number_do_not_spoil_an_event(self):
        collector = Collector()
        part = lambda part, parts, text: event(
            1, b'{"type":"kinesis-telemetry.part","record":"%s"' % text, b',"part":%d,"parts":%d' % (part, parts)
        )
        collector.add(part(2, 65_536, b"forged"))
        self.assertEqual(collector.report("i").incomplete, {1: [range(1, 2), range(3, 65_537)]})
        collector.add(part(1, 2, b"{") + part(2, 2, b"}"))
        self.assertEqual([it.text for it in collector.events("i")], ["{}"])

    def test_parts_that_join_to_no_event_are_counted(self):
        collector = Collector()
        for seq, text in ((1, b"abc"), (2, b"[]"), (3, b"{")):
            more = b',"part":1,"parts":1'
            collector.add(event(seq, b'{"type":"kinesis-telemetry.part","record":"%s"' % text, more))
        self.assertEqual((collector.unjoinable, collector.events("i")), (3, []))

    def test_a_joined_event_is_one_line(self):
        collector = Collector()
        collector.add(event(1, b'{"type":"kinesis-telemetry.part","record":"{\\n\\r}\\n"', b',"part":1,"parts":1'))
        (joined,) = collector.events("i")
        self.assertEqual((joined.text, joined.line), ("{\n\r}\n", '{  "source":{"instance":"i","seq":1}}'))

    def test_lines_that_never_follow_cost_nothing(self):
        head = event(1, b'{"type":"kinesis-telemetry.record"', b',"events":50000')
        bad_lines = []
        # The lines behind the first one are events, whatever they hold.
        self.assertEqual([it.seq for it in lines_to_events(head * 3, bad_lines)], [1, 2])
        self.assertIn("49998 events are missing", bad_lines[-1].reason)

    def test_labels_and_further_members_of_source_are_kept(self):
        line = event(1, more=b',"tenantId":"blue","account":"111122223333"')
        (read,) = records_to_events(line)
        self.assertEqual(read.labels, {"tenantId": "blue", "account": "111122223333"})
        self.assertEqual(read.line.encode() + b"\n", line)
