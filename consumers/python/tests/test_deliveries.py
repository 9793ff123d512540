"""Tests the services between a stream and a consumer: Lambda, Firehose, the Kinesis Client Library."""

import base64
import contextlib
import io
import types
import unittest

import firehose
import handler
import kcl_processor
from kinesis_telemetry import deaggregate, lines_to_events, records_to_events

from . import streams


def quietly(action):
    with contextlib.redirect_stderr(io.StringIO()):
        return action()


class Lambda(unittest.TestCase):
    def batch(self, records: list[bytes]) -> dict:
        def record(number, data):
            return {"kinesis": {"sequenceNumber": str(number), "data": base64.b64encode(data).decode()}}

        return {"Records": [record(*it) for it in enumerate(records)]}

    def test_every_record_of_a_batch_is_stored(self):
        for stream in streams():
            stored = []
            answer = handler.handler(stored.extend)(self.batch(stream.records), None)
            self.assertEqual(answer, {"batchItemFailures": []})
            self.assertEqual(stored, [event for record in stream.records for event in records_to_events(record)])

    def test_the_first_record_that_is_not_stored_is_where_lambda_goes_on(self):
        def store(events):
            if stored:
                raise OSError("the database is unavailable")
            stored.append(events)

        stored = []
        answer = quietly(lambda: handler.handler(store)(self.batch(streams()[0].records[:3]), None))
        self.assertEqual(answer, {"batchItemFailures": [{"itemIdentifier": "1"}]})
        self.assertEqual(len(stored), 1)

    def test_a_record_that_cannot_be_read_is_skipped(self):
        stored = []
        first, second, *_ = streams()[0].records
        answer = quietly(lambda: handler.handler(stored.append)(self.batch([first, b"not ours\n", second]), None))
        self.assertEqual((answer, len(stored)), ({"batchItemFailures": []}, 2))


class Firehose(unittest.TestCase):
    def request(self, records: list[bytes]) -> dict:
        def record(number, data):
            return {"recordId": f"id-{number}", "data": base64.b64encode(data).decode()}

        return {"records": [record(*it) for it in enumerate(records)]}

    def test_every_combination_becomes_lines_with_their_identities(self):
        for stream in streams():
            # Firehose itself de-aggregates; an aggregate that is passed to the function gives the same result.
            for records in (stream.records, [part for it in stream.records for part in deaggregate(it)]):
                answers = firehose.lambda_handler(self.request(records), None)["records"]
                self.assertEqual([it["recordId"] for it in answers], [f"id-{n}" for n in range(len(records))])
                self.assertEqual({it["result"] for it in answers}, {"Ok"})
                file = b"".join(base64.b64decode(it["data"]) for it in answers)
                self.assertTrue(file.endswith(b"\n"))
                expected = [event for record in records for event in records_to_events(record)]
                self.assertEqual(lines_to_events(file), expected, stream.name)

    def test_what_cannot_be_read_goes_back_as_it_was(self):
        request = self.request([b"not ours\n"])
        (answer,) = quietly(lambda: firehose.lambda_handler(request, None))["records"]
        self.assertEqual(answer, {**request["records"][0], "result": "ProcessingFailed"})

    def test_a_response_never_grows_beyond_what_lambda_takes(self):
        import gzip

        record = gzip.compress(b'{"record":"' + b"a" * 1_500_000 + b'"}\n')
        request = self.request([record] * 5)
        answers = quietly(lambda: firehose.lambda_handler(request, None))["records"]
        self.assertLess(sum(len(str(answer)) for answer in answers), 6 * 1024 * 1024)
        self.assertEqual([it["result"] for it in answers], ["Ok"] * 2 + ["ProcessingFailed"] * 3)
        self.assertEqual([it["data"] for it in answers[2:]], [it["data"] for it in request["records"][2:]])


class Checkpointer:
    def __init__(self, *errors):
        self.errors, self.checkpoints = list(errors), 0

    def checkpoint(self):
        if self.errors:
            raise self.errors.pop(0)
        self.checkpoints += 1


class CheckpointError(Exception):
    def __init__(self, value):
        self.value = value


class ClientLibrary(unittest.TestCase):
    def input(self, records: list[bytes], checkpointer) -> types.SimpleNamespace:
        record = lambda it: types.SimpleNamespace(sequence_number=str(it[0]), binary_data=it[1])
        return types.SimpleNamespace(records=list(map(record, enumerate(records))), checkpointer=checkpointer)

    def processor(self, store):
        self.pauses, self.ended = [], []
        processor = kcl_processor.RecordProcessor(store, self.pauses.append, self.ended.append)
        processor.initialize(types.SimpleNamespace(shard_id="shardId-0"))
        return processor

    def test_a_batch_is_checkpointed_when_all_of_it_is_stored(self):
        for stream in streams():
            stored, checkpointer = [], Checkpointer()
            # The library has de-aggregated the records.
            records = [part for it in stream.records for part in deaggregate(it)]
            self.processor(stored.extend).process_records(self.input(records, checkpointer))
            self.assertEqual(stored, [event for record in records for event in records_to_events(record)])
            self.assertEqual(checkpointer.checkpoints, 1)

    def test_what_cannot_be_stored_is_tried_again_and_ends_the_process_in_the_end(self):
        class Ended(BaseException):
            pass

        def end(code):
            raise Ended

        def store(events):
            raise OSError("the database is away")

        checkpointer, pauses = Checkpointer(), []
        processor = kcl_processor.RecordProcessor(store, pauses.append, end)
        with self.assertRaises(Ended):
            quietly(lambda: processor.process_records(self.input([b"{}\n"], checkpointer)))
        self.assertEqual((len(pauses), checkpointer.checkpoints), (kcl_processor.ATTEMPTS, 0))

    def test_a_record_that_cannot_be_read_holds_up_nothing(self):
        stored, checkpointer = [], Checkpointer()
        processor = self.processor(stored.extend)
        quietly(lambda: processor.process_records(self.input([b"not ours\n", b"{}\n"], checkpointer)))
        self.assertEqual((len(stored), checkpointer.checkpoints, self.ended), (1, 1, []))

    def test_a_shard_that_ends_is_checkpointed_and_one_that_is_lost_is_not(self):
        checkpointer = Checkpointer(CheckpointError("ThrottlingException"))
        processor = self.processor(list)
        quietly(lambda: processor.shard_ended(types.SimpleNamespace(checkpointer=checkpointer)))
        processor.shutdown_requested(types.SimpleNamespace(checkpointer=checkpointer))
        processor.lease_lost(types.SimpleNamespace())
        self.assertEqual((checkpointer.checkpoints, self.pauses), (2, [1]))
        lost = Checkpointer(CheckpointError("ShutdownException"))
        quietly(lambda: processor.shutdown_requested(types.SimpleNamespace(checkpointer=lost)))
        self.assertEqual((lost.checkpoints, self.ended), (0, []))
