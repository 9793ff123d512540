"""What stands between a stream and a consumer: Lambda, Firehose, the Kinesis Client Library, dead letters."""

import base64
import contextlib
import io
import types
import unittest

import dead_letters
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
            # Firehose itself takes aggregates apart; whoever hands one over gets the same.
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
            # The library has taken aggregates apart.
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


class Queue:
    """What of SQS and Kinesis is needed to put letters back."""

    def __init__(self, messages, throttled=0):
        self.waiting, self.deleted, self.put, self.throttled = list(messages), [], [], throttled

    def receive_message(self, **_):
        taken, self.waiting = self.waiting[:2], self.waiting[2:]
        return {"Messages": taken} if taken else {}

    def delete_message(self, QueueUrl, ReceiptHandle):
        self.deleted.append(ReceiptHandle)

    def put_records(self, Records, **stream):
        if self.throttled:
            self.throttled -= 1
            return {"Records": [{"ErrorCode": "ProvisionedThroughputExceededException"} for _ in Records]}
        self.put += [{**stream, **record} for record in Records]
        return {"Records": [{"SequenceNumber": "1"} for _ in Records]}


class DeadLetters(unittest.TestCase):
    def messages(self, key: str, data: bytes, stream="telemetry", size=700) -> list[dict]:
        """As extension/src/delivery/sqs/message.rs makes them, but for the size of a piece."""
        try:
            encoding, body = "text", data.decode()
        except UnicodeDecodeError:
            encoding, body = "base64", base64.b64encode(data).decode()
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        record = f"{key}-{hash(data)}"
        values = {"Stream": stream, "PartitionKey": key, "Record": record, "Encoding": encoding, "Pieces": str(len(pieces))}

        def message(index, piece):
            attributes = {**values, "Piece": str(index + 1)}
            attributes = {name: {"StringValue": value, "DataType": "String"} for name, value in attributes.items()}
            return {"Body": piece, "ReceiptHandle": f"{record}-{index}", "MessageAttributes": attributes}

        return [message(*it) for it in enumerate(pieces)]

    def test_records_go_back_as_they_were_whatever_the_order_of_their_pieces(self):
        for stream in streams():
            letters = dict(zip(stream.records, stream.keys, strict=True))
            messages = [message for data, key in letters.items() for message in self.messages(key, data)]
            queue = Queue(reversed(messages))
            self.assertEqual(dead_letters.put_back(queue, queue, "url"), len(letters))
            self.assertEqual({it["Data"]: it["PartitionKey"] for it in queue.put}, letters)
            self.assertEqual(sorted(queue.deleted), sorted(it["ReceiptHandle"] for it in messages))

    def test_pieces_stay_in_the_queue_until_all_are_there(self):
        first, *_ = self.messages("k", b"\x1f\x8b" * 900)
        queue = Queue([first])
        self.assertEqual(dead_letters.put_back(queue, queue, "url"), 0)
        self.assertEqual((queue.put, queue.deleted), ([], []))

    def test_a_busy_stream_is_asked_again_and_what_it_does_not_take_stays(self):
        messages, pauses = self.messages("k", b"{}\n"), []
        queue = Queue(messages, throttled=2)
        self.assertEqual(dead_letters.put_back(queue, queue, "url", pauses.append), 1)
        self.assertEqual((pauses, len(queue.deleted)), ([0.25, 0.5], 1))
        queue = Queue(messages, throttled=dead_letters.ATTEMPTS)
        with self.assertRaises(dead_letters.NotTaken):
            dead_letters.put_back(queue, queue, "url", pauses.append)
        self.assertEqual((queue.put, queue.deleted), ([], []))

    def test_a_stream_is_named_as_the_extension_was_told_its_name(self):
        arn = "arn:aws:kinesis:eu-west-1:111122223333:stream/telemetry"
        for stream, name in ((arn, "StreamARN"), ("telemetry", "StreamName")):
            queue = Queue(self.messages("k", b"{}\n", stream))
            dead_letters.put_back(queue, queue, "url")
            self.assertEqual(queue.put, [{name: stream, "PartitionKey": "k", "Data": b"{}\n"}])
