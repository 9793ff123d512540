"""Tests that letters go back as their original records, and that forged letters do no harm (consumers/letters.json)."""

import base64
import itertools
import json
import pathlib
import tracemalloc
import unittest
import zlib

import dead_letters

from . import streams

FILE = json.loads((pathlib.Path(__file__).parents[2] / "letters.json").read_text(encoding="utf-8"))
OWN = FILE["own"]
OTHER = "arn:aws:kinesis:us-east-1:999999999999:stream/payments"


class ServiceError(Exception):
    """As boto3 raises it."""

    def __init__(self, code: str):
        super().__init__(f"An error occurred ({code})")
        self.response = {"Error": {"Code": code}}


class Aws:
    """The parts of SQS and Kinesis that are needed to put letters back. Returns two messages at a time."""

    def __init__(self, messages, refuses=lambda record: None):
        self.messages, self.refuses = iter(messages), refuses
        self.hidden, self.deleted, self.put = [], [], []

    def receive_message(self, **_):
        taken = list(itertools.islice(self.messages, 2))
        self.hidden += [it["ReceiptHandle"] for it in taken]
        return {"Messages": taken} if taken else {}

    def delete_message(self, QueueUrl, ReceiptHandle):
        self.hidden.remove(ReceiptHandle)
        self.deleted.append(ReceiptHandle)

    def change_message_visibility_batch(self, QueueUrl, Entries):
        for entry in Entries:
            assert entry["VisibilityTimeout"] == 0
            self.hidden.remove(entry["ReceiptHandle"])
        return {"Successful": [{"Id": it["Id"]} for it in Entries]}

    def put_records(self, Records, **stream):
        (record,) = Records
        refusal = self.refuses(record)
        if isinstance(refusal, BaseException):
            raise refusal
        if refusal is not None:
            return {"Records": [refusal]}
        self.put.append({**stream, **record})
        return {"Records": [{"SequenceNumber": "1"}]}


def put_back(aws, allowed=OWN, pause=lambda seconds: None):
    return dead_letters.put_back(aws, aws, "url", allowed, pause=pause)


def message(handle: str, body="{}\n", **attributes) -> dict:
    """A valid message, except for these attributes."""
    values = {name: value for name, value in FILE["letter"].items() if name != "body"}
    values = {name: value for name, value in {**values, **attributes}.items() if value is not None}
    attributes = {name: {"StringValue": value, "DataType": "String"} for name, value in values.items()}
    found = {"MessageId": f"id-{handle}", "ReceiptHandle": handle, "MessageAttributes": attributes}
    return found if body is None else {**found, "Body": body}


def letter(key: str, data: bytes, stream=OWN, size=700) -> list[dict]:
    """Makes messages as extension/src/delivery/sqs/message.rs does, except for the size of a piece."""
    try:
        encoding, body = "text", data.decode()
    except UnicodeDecodeError:
        encoding, body = "base64", base64.b64encode(data).decode()
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    values = {"Stream": stream, "PartitionKey": key, "Record": f"{key}-{zlib.crc32(data):08x}", "Encoding": encoding}
    counts = [{"Piece": str(number), "Pieces": str(len(pieces))} for number in range(1, len(pieces) + 1)]
    return [message(f"{values['Record']}-{n}", piece, **values, **counts[n]) for n, piece in enumerate(pieces)]


def good(count=3) -> list[dict]:
    return [it for n in range(count) for it in letter(f"good-{n}", b"good %d\n" % n)]


class DeadLetters(unittest.TestCase):
    def test_records_go_back_as_they_were_whatever_the_order_of_their_pieces(self):
        for stream in streams():
            letters = dict(zip(stream.records, stream.keys, strict=True))
            messages = [message for data, key in letters.items() for message in letter(key, data)]
            aws = Aws(reversed(messages))
            result = put_back(aws)
            self.assertEqual((result.put_back, result.kept_back, result.hidden), ({OWN: len(letters)}, {}, 0))
            self.assertEqual({it["Data"]: it["PartitionKey"] for it in aws.put}, letters)
            self.assertEqual(sorted(aws.deleted), sorted(it["ReceiptHandle"] for it in messages))

    def test_pieces_stay_in_the_queue_until_all_are_there(self):
        first, *_ = letter("k", b"\x1f\x8b" * 900)
        aws = Aws([first])
        ((reason, kept),) = put_back(aws).kept_back.items()
        self.assertEqual(reason, "some of its pieces are not in the queue")
        self.assertTrue(kept.named[0].endswith("without 2, 3, 4 of 4"), kept)
        self.assertEqual((aws.put, aws.deleted, aws.hidden), ([], [], []))

    def test_a_busy_stream_is_asked_again_and_what_it_does_not_take_stays(self):
        busy = iter([{"ErrorCode": "ProvisionedThroughputExceededException"}, ServiceError("ThrottlingException")])
        pauses, aws = [], Aws(letter("k", b"{}\n"), lambda _: next(busy, None))
        self.assertEqual(put_back(aws, pause=pauses.append).put_back, {OWN: 1})
        self.assertEqual((pauses, len(aws.deleted)), ([0.25, 0.5], 1))

    def test_a_record_that_is_refused_again_and_again_stops_no_other(self):
        for refusal in ({}, {"ErrorCode": "InternalFailure"}, ServiceError("ThrottlingException")):
            pauses = []
            messages = letter("bad", b"bad\n") + letter("worse", b"bad too\n") + good()
            aws = Aws(messages, lambda record: refusal if b"bad" in record["Data"] else None)
            with self.assertRaises(dead_letters.NotTaken) as raised:
                put_back(aws, pause=pauses.append)
            result = raised.exception.result
            self.assertEqual((result.put_back, aws.hidden), ({OWN: 3}, []))
            self.assertEqual(sum(it.messages for it in result.kept_back.values()), 2)
            self.assertLess(sum(pauses), 60, "the second is given less time")

    def test_what_a_stream_refuses_for_good_stays_and_the_rest_goes_back(self):
        for code, records in (("ValidationException", 3), ("OddException", 3), ("AccessDeniedException", 0)):
            calls = []

            def refuses(record):
                calls.append(record)
                return ServiceError(code) if records == 0 or record["Data"] == b"bad\n" else None

            aws = Aws(letter("bad", b"bad\n") + good(), refuses)
            result = put_back(aws)
            self.assertEqual(sum(result.put_back.values()), records)
            ((reason, kept),) = result.kept_back.items()
            self.assertEqual((kept.messages, aws.hidden, len(aws.deleted)), (4 - records, [], records))
            self.assertIn(code, reason)
            self.assertEqual(len(calls), 4 if records else 1, "a stream that takes nothing is not asked again")

    def test_whatever_ends_it_all_is_visible_again(self):
        for error in (RuntimeError("boom"), KeyboardInterrupt(), ServiceError("ExpiredTokenException"), MemoryError()):
            for when in (1, 2, 3):
                calls = itertools.count(1)
                aws = Aws(good() + [message("half", Pieces="2")], lambda _: error if next(calls) == when else None)
                with self.assertRaises(type(error)):
                    put_back(aws)
                self.assertEqual((aws.hidden, len(aws.deleted)), ([], when - 1))

    def test_an_error_of_the_queue_leaves_nothing_hidden(self):
        for call in ("receive_message", "delete_message"):
            aws = Aws([message("half", Pieces="2")] + good())
            whole, calls = getattr(aws, call), itertools.count(1)

            def fails(**options):
                if next(calls) == 2:
                    raise ServiceError("AccessDenied")
                return whole(**options)

            setattr(aws, call, fails)
            with self.assertRaises(ServiceError):
                put_back(aws)
            self.assertEqual(aws.hidden, [], call)

    def test_what_cannot_be_made_visible_is_counted(self):
        messages = [message(str(n), Piece="2") for n in range(25)]
        aws = Aws(messages)
        aws.change_message_visibility_batch = None
        self.assertEqual(put_back(aws).hidden, 25)
        aws = Aws(messages)
        # A deleted message is not hidden.
        failed = [{"Id": "0", "SenderFault": True}, {"Id": "1", "SenderFault": False}]
        aws.change_message_visibility_batch = lambda QueueUrl, Entries: {"Failed": failed}
        self.assertEqual(put_back(aws).hidden, 3)
        aws = Aws(messages)
        aws.change_message_visibility_batch = None
        aws.change_message_visibility = lambda QueueUrl, ReceiptHandle, VisibilityTimeout: aws.hidden.remove(ReceiptHandle)
        self.assertEqual((put_back(aws).hidden, aws.hidden), (0, []))

    def test_a_message_that_comes_again_is_known(self):
        half = message("old", Pieces="2")
        aws = Aws([half, {**half, "ReceiptHandle": "new"}])
        result = put_back(aws)
        self.assertEqual([it.messages for it in result.kept_back.values()], [1])
        self.assertEqual(aws.hidden, ["old"], "the newest handle counts")


class Streams(unittest.TestCase):
    def test_without_streams_nothing_is_put_and_everything_is_named(self):
        aws = Aws([message("arn"), message("name", Stream="telemetry"), message("other", Stream=OTHER), message("x", Piece="7")])
        result = dead_letters.put_back(aws, aws, "url", pause=lambda seconds: None)
        self.assertEqual((aws.put, aws.deleted, aws.hidden), ([], [], []))
        reasons = "\n".join(result.kept_back)
        for word in (OWN, "stream telemetry", OTHER, "pieces from 1"):
            self.assertIn(word, reasons)

    def test_a_letter_chooses_between_the_allowed_streams_alone(self):
        other_name, far = OWN.replace("telemetry", "payments"), OTHER
        for allowed, stream, target in (
            (OWN, OWN, OWN),
            ([OWN], "telemetry", OWN),
            ("telemetry", "telemetry", "telemetry"),
            (["telemetry", OWN], "telemetry", "telemetry"),
            (["telemetry", OWN], OWN, OWN),
            ([OWN, OTHER], OTHER, OTHER),
            ([OWN, OTHER], "payments", OTHER),
            # The message does not state which of the two.
            ([other_name, far], "payments", None),
            ("telemetry", OWN, None),
            (OWN, OTHER, None),
        ):
            aws = Aws([message("it", Stream=stream)])
            result = put_back(aws, allowed)
            self.assertEqual(result.put_back, {target: 1} if target else {}, (allowed, stream))
            if target:
                name = "StreamARN" if target.startswith("arn:") else "StreamName"
                self.assertEqual(aws.put, [{name: target, "PartitionKey": "k", "Data": b"{}\n"}])
            else:
                self.assertIn(f"for the stream {stream}, ", "".join(result.kept_back))

    def test_what_is_no_stream_is_refused_before_anything_is_received(self):
        for bad in ("", "*", f"{OWN}\n", f"{OWN}/consumer/x:1", OWN.replace("1111", ""), [OWN, "a b"], [None], [b"telemetry"]):
            aws = Aws(good())
            with self.assertRaises(ValueError):
                put_back(aws, bad)
            self.assertEqual(aws.hidden, [])


class Hostile(unittest.TestCase):
    """Every case of consumers/letters.json, alone and all together, with good letters behind it."""

    def messages(self, number: int, case: dict):
        """The messages of a case, the data that must be put, and the handles that must be deleted."""
        expand = lambda value: value["repeat"] * value["times"] if isinstance(value, dict) else value
        messages, deleted = [], set()
        for index, changed in enumerate(case["letters"]):
            values = {name: expand(value) for name, value in {**FILE["letter"], **changed}.items()}
            body, copies = values.pop("body"), values.pop("copies", 1)
            # Cases share no record.
            values["Record"] = values["Record"] and f"{number}-{values['Record']}"
            handles = [f"{number}-{index}-{copy}" for copy in range(copies)]
            messages += [message(handle, body, **values) for handle in handles]
            if any(index in letters for letters in case["put"].values()):
                deleted.update(handles)
        return messages, {data.encode() for data in case["put"]}, deleted

    def check(self, cases):
        messages, data, deleted = [], {b"good %d\n" % n for n in range(3)}, {it["ReceiptHandle"] for it in good()}
        for number, case in cases:
            found = self.messages(number, case)
            messages, data, deleted = messages + found[0], data | found[1], deleted | found[2]
        aws = Aws(messages + good())
        result = put_back(aws)
        name = cases[0][1]["name"]
        self.assertLess(max(map(len, result.kept_back), default=0), 400, name)
        self.assertEqual({it["StreamARN"] for it in aws.put}, {OWN}, name)
        self.assertEqual({it["Data"] for it in aws.put}, data, name)
        self.assertEqual((set(aws.deleted), aws.hidden), (deleted, []), name)
        kept = sum(it.messages for it in result.kept_back.values())
        self.assertEqual(kept, len(messages) + 3 - len(deleted), name)
        for text in (str(result), repr(result)):
            self.assertTrue(all(it.isascii() and (it.isprintable() or it == "\n") for it in text), repr(text))
            self.assertLess(len(text), 40_000, name)

    def test_each_case_costs_itself_alone(self):
        for number, case in enumerate(FILE["cases"]):
            self.check([(number, case)])

    def test_all_cases_together_cost_themselves_alone(self):
        self.check(list(enumerate(FILE["cases"])))

    def test_odd_messages_never_raise(self):
        odd = [
            {},
            {"MessageAttributes": None, "Body": None},
            {"MessageAttributes": {"Stream": None, "Piece": {}}, "Body": "x"},
            {"MessageAttributes": {"Stream": {"DataType": "Binary", "BinaryValue": b"x"}}, "Body": "x"},
        ]
        odd = [{**it, "ReceiptHandle": str(n)} for n, it in enumerate(odd)]
        surrogates = [message("s", "\ud800"), message("t", PartitionKey="\ud800"), message("u", Record="\ud800", Piece="9")]
        aws = Aws(odd + surrogates + good())
        result = put_back(aws)
        self.assertEqual((result.put_back, len(aws.deleted), aws.hidden), ({OWN: 3}, 3, []))
        self.assertTrue(str(result).isascii())

    def test_unfinished_letters_take_no_more_memory_than_allowed(self):
        def flood():
            for n in range(3_000):
                yield message(f"flood-{n}", "x" * 100_000, Record=f"flood-{n}", Pieces="2")
            yield from letter("k", b"ab\n", size=2)

        aws = Aws(flood())
        tracemalloc.start()
        result = put_back(aws)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        self.assertLess(peak, 100 * 1024 * 1024)
        self.assertEqual((aws.put[0]["Data"], aws.hidden), (b"ab\n", []))
        self.assertEqual(sum(it.messages for it in result.kept_back.values()), 3_000)

    def test_pieces_that_are_larger_than_a_record_are_not_collected(self):
        large = "x" * 8_000_000
        aws = Aws([message("1", large, Pieces="3"), message("2", large, Piece="2", Pieces="3")])
        self.assertEqual(list(put_back(aws).kept_back), ["larger than a record of Kinesis"])

    def test_a_queue_that_never_ends_is_left_when_enough_is_held(self):
        self.addCleanup(setattr, dead_letters, "MOST_HELD", dead_letters.MOST_HELD)
        dead_letters.MOST_HELD = 1_000
        aws = Aws(message(f"m-{n}", Record=f"r-{n}", Stream=f"s{n}", Piece=str(n % 2)) for n in itertools.count())
        result = put_back(aws)
        self.assertEqual((sum(it.messages for it in result.kept_back.values()), aws.hidden), (1_000, []))
        self.assertLessEqual(len(result.kept_back), 101)

    def test_a_complete_record_waits_while_the_queue_may_contradict_it(self):
        self.addCleanup(setattr, dead_letters, "MOST_HELD", dead_letters.MOST_HELD)
        dead_letters.MOST_HELD = 10
        two = [message("1", "a", Pieces="2"), message("2", "b\n", Piece="2", Pieces="2")]
        aws = Aws(two + [message(f"m-{n}", Piece="2") for n in range(20)])
        put_back(aws)
        self.assertEqual((aws.put, aws.deleted, aws.hidden), ([], [], []))
