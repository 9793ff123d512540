"""`python -m kinesis_telemetry read`, on a Kinesis of these tests, and on the one at ENDPOINT_URL."""

import contextlib
import datetime
import io
import json
import os
import types
import unittest
from unittest import mock

from kinesis_telemetry import __main__, _terminal

from . import streams

NOW = datetime.datetime.now(datetime.UTC)
UNSAFE = "\0\a\b\r\v\x1b\x7f\x85\x90\x9b\x9d\u061c\u200b\u200f\u2028\u2029\u202e\u2066\ufeff\U000e0041"
"""Each kind of character that must not reach a terminal."""


class Expired(Exception):
    """The error of a client for an iterator that was not used for five minutes."""


class Kinesis:
    """A stream whose lists of shards and whose pages hold one entry each. One iterator has expired when it is used."""

    exceptions = types.SimpleNamespace(ExpiredIteratorException=Expired)

    def __init__(self, *shards: list[bytes]):
        self.shards = shards
        self.is_expired = False

    def list_shards(self, NextToken: str = "0", **_) -> dict:
        at = int(NextToken)
        following = {"NextToken": str(at + 1)} if at + 1 < len(self.shards) else {}
        return {"Shards": [{"ShardId": str(at)}], **following}

    def get_shard_iterator(self, ShardId: str, StartingSequenceNumber: str = "-1", **_) -> dict:
        return {"ShardIterator": f"{ShardId} {int(StartingSequenceNumber) + 1}"}

    def get_records(self, ShardIterator: str) -> dict:
        shard, at = map(int, ShardIterator.split())
        if at == 2 and not self.is_expired:
            self.is_expired = True
            raise Expired
        records = [{"SequenceNumber": str(at), "Data": data} for data in self.shards[shard][at : at + 1]]
        behind = 10**9 if at + 1 < len(self.shards[shard]) else 0
        return {"Records": records, "NextShardIterator": f"{shard} {at + 1}", "MillisBehindLatest": behind}


def event(seq: int, time: datetime.datetime = NOW, more: str = "") -> bytes:
    """A record with one event of instance `i`."""
    text = f'{{"time":"{time.isoformat()}","type":"function"{more},"source":{{"function":"orders","instance":"i","seq":{seq}}}}}\n'
    return text.encode()


def run(*arguments: str) -> tuple[int, str, str]:
    """Runs the command. Returns its exit status, and what it printed on stdout and on stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = __main__.main(["read", *arguments])
    return status, out.getvalue(), err.getvalue()


def read(kinesis: Kinesis, *arguments: str) -> tuple[int, str, str]:
    """Runs the command on a stream of these tests."""
    modules = {
        "boto3": types.SimpleNamespace(client=lambda *_, **__: kinesis),
        "botocore.exceptions": types.SimpleNamespace(BotoCoreError=OSError, ClientError=OSError),
        "botocore.config": types.SimpleNamespace(Config=lambda **_: None),
    }
    with mock.patch("time.sleep"), mock.patch("importlib.import_module", modules.get):
        return run("telemetry", *arguments)


class Read(unittest.TestCase):
    def test_every_shard_is_read_to_its_end_whatever_expires(self):
        kinesis = Kinesis([event(seq) for seq in range(1, 6)], [event(5), event(6)])
        status, out, err = read(kinesis)
        self.assertEqual((status, err, kinesis.is_expired), (0, "", True))
        self.assertEqual([json.loads(line)["source"]["seq"] for line in out.splitlines()], [1, 2, 3, 4, 5, 6])

    def test_a_report_names_missing_numbers_and_fails(self):
        quarantined = event(5).replace(b'"function"', b'"kinesis-telemetry.quarantine"', 1)
        status, out, err = read(Kinesis([event(3), event(3), quarantined, event(9), b"\x1f\x8b", b"{\n" + event(10)]), "--report")
        self.assertEqual(status, 1)
        for line in (
            "duplicates             1",
            "quarantined events     1",
            "unreadable records     1",
            "unreadable lines       1",
            "instance i of orders: 4 events",
            "  missing     4, 6-8 (4)",
            "  not judged  1-2 (2): before the first event of the period",
            "incomplete: 4 of 8 events are on their way, dead letters, in a spill file, or lost",
        ):
            self.assertIn(line, out.splitlines())
        self.assertIn("record 4 was skipped: it cannot be decompressed", err)
        self.assertIn("unreadable lines of record 5: 1; the first is line 1", err)

    def test_a_report_of_parts_names_the_event_that_is_not_whole(self):
        part = event(2, more=',"part":1,"parts":2').replace(b'"function"', b'"kinesis-telemetry.part","record":"{"', 1)
        part = part.replace(b',"part":1,"parts":2,"source":{', b',"source":{"part":1,"parts":2,')
        status, out, _ = read(Kinesis([event(1), part, event(3)]), "--report")
        self.assertEqual(status, 1)
        self.assertIn("  incomplete  2 (1): some of their parts are missing", out)

    def test_events_from_before_the_period_are_not_missed(self):
        old = NOW - datetime.timedelta(days=1)
        kinesis = Kinesis([event(2, old), event(5, old), event(7), event(8)])
        status, out, _ = read(kinesis, "--report", "--since", "1h")
        self.assertEqual(status, 0)
        self.assertIn("complete: none of 2 events is missing", out)
        self.assertEqual(read(kinesis, "--report")[0], 1)

    def test_a_stream_controls_no_terminal(self):
        name = "".join(f"\\u{ord(c):04x}" if c < " " else c for c in UNSAFE)
        hostile = event(1, more=f',"record":"{name}"').replace(b'"instance":"i"', f'"instance":"{name}"'.encode())
        bad = b"{\x1b[31m\xc2\x9b\n"
        for arguments in ((), ("--report",)):
            _, out, err = read(Kinesis([hostile, hostile.replace(b":1}", b":3}") + bad, b"\x1b]0;x\x07\n"]), *arguments)
            self.assertTrue(all(line.isprintable() for line in (out + err).split("\n")), out + err)
        status, out, _ = read(Kinesis([hostile]))
        self.assertEqual((status, json.loads(out)["record"]), (0, UNSAFE))
        self.assertEqual(_terminal.json('{\t"a":1}'), '{ "a":1}')

    def test_without_boto3_the_error_says_what_to_install(self):
        with mock.patch("importlib.import_module", side_effect=ImportError("No module named 'boto3'")):
            status, out, err = run("telemetry")
        self.assertEqual((status, out), (2, ""))
        self.assertIn("pip install 'kinesis-telemetry-consumer[read]'", err)

    def test_a_period_is_a_duration_or_a_time(self):
        times = {"2026-11-29T13:00:00+01:00": 12, "2026-11-29T12:00:00Z": 12, "2026-11-29 12:00": 12, "2026-11-29": 0}
        for text, hour in times.items():
            self.assertEqual(__main__._since(text), datetime.datetime(2026, 11, 29, hour, tzinfo=datetime.UTC))
        self.assertAlmostEqual(__main__._since("90m"), NOW - datetime.timedelta(minutes=90), delta=datetime.timedelta(minutes=5))
        for text in ("", "soon", "5w", "-5m", "99999999999999999999d", "999999999d", "٣m"):
            with self.assertRaises(SystemExit, msg=text):
                run("telemetry", "--since", text)


class Emulated(unittest.TestCase):
    """Tests with a third-party Kinesis and boto3."""

    @classmethod
    def setUpClass(cls):
        import boto3

        cls.endpoint = os.environ["ENDPOINT_URL"]
        cls.kinesis = boto3.client("kinesis", endpoint_url=cls.endpoint)

    def stream(self, records: list[bytes]) -> str:
        """Returns the name of a new stream that holds these records."""
        name = self.id().rpartition(".")[2]
        self.kinesis.create_stream(StreamName=name, ShardCount=2)
        self.kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
        for at, data in enumerate(records):
            self.kinesis.put_record(StreamName=name, Data=data, PartitionKey=str(at))
        return name

    def test_records_of_the_extension_are_printed_once_and_reported(self):
        (recorded,) = streams(format="ndjson", compression="gzip", envelope="event")
        name = self.stream(recorded.records)
        status, out, err = run(name, "--endpoint-url", self.endpoint)
        self.assertEqual((status, err), (0, ""))
        printed = [json.loads(line) for line in out.splitlines()]
        events = {(source["instance"], source["seq"]): event for event in printed if (source := event.pop("source"))}
        self.assertEqual(events, {identity: json.loads(text) for identity, text in recorded.events.items()})
        self.assertEqual(len(printed), len(events))
        status, out, _ = run(name, "--report", "--endpoint-url", self.endpoint)
        self.assertEqual(status, 1)
        self.assertIn(f"incomplete: {len(recorded.expected['missing'])} of ", out)
        self.assertEqual(run(name, "--report", "--since", "1s", "--endpoint-url", self.endpoint)[0], 0)

    def test_a_stream_that_does_not_exist_is_named(self):
        status, out, err = run("nowhere", "--endpoint-url", self.endpoint)
        self.assertEqual((status, out), (2, ""))
        self.assertTrue(err.startswith("error: the stream nowhere cannot be read: ") and err.count("\n") == 1, err)
