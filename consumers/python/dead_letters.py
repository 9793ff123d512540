"""Puts dead letters into the stream again, as the records that they were.

    import boto3, dead_letters
    dead_letters.put_back(boto3.client("sqs"), boto3.client("kinesis"), "https://sqs.…/dead-letters")

A consumer that drops duplicates need not know of it. What Kinesis has refused for good it will refuse again: mend the cause
first (docs/consuming.md, "Dead letters").
"""

import base64
import dataclasses
import time

NAMES = ("Stream", "PartitionKey", "Record", "Encoding", "Piece", "Pieces")
SECONDS_HIDDEN = 600
"""How long messages that were received stay hidden from others: until all pieces are there and were put."""
ATTEMPTS = 8
"""How often a record is put while its stream is too busy: for about a minute."""


@dataclasses.dataclass
class Letter:
    """A record, or what is there of its pieces so far."""

    stream: str
    partition_key: str
    encoding: str
    pieces: int
    bodies: dict[int, str] = dataclasses.field(default_factory=dict)
    handles: list[str] = dataclasses.field(default_factory=list)

    @property
    def data(self) -> bytes:
        """The record's data. Its pieces were cut after it was encoded, so they are joined before it is decoded."""
        text = "".join(self.bodies[number] for number in range(1, self.pieces + 1))
        return base64.b64decode(text) if self.encoding == "base64" else text.encode()


class NotTaken(Exception):
    """A stream is too busy. What is not yet put back is visible again when its time is over."""


def put_back(sqs, kinesis, queue_url: str, pause=time.sleep) -> int:
    """Empties the queue into the stream. A message is deleted when the stream has its record. Returns how many records."""
    letters: dict[tuple, Letter] = {}
    records = 0
    while messages := receive(sqs, queue_url):
        for message in messages:
            key, letter = collect(letters, message)
            if len(letter.bodies) < letter.pieces:
                continue
            put(kinesis, letter, pause)
            for handle in letter.handles:
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=handle)
            del letters[key]
            records += 1
    return records


def put(kinesis, letter: Letter, pause) -> None:
    """Puts a record, by the one operation that the policies of functions allow."""
    stream = {"StreamARN" if letter.stream.startswith("arn:") else "StreamName": letter.stream}
    record = {"PartitionKey": letter.partition_key, "Data": letter.data}
    for attempt in range(ATTEMPTS):
        # The call succeeds also where the record fails.
        (answer,) = kinesis.put_records(**stream, Records=[record])["Records"]
        if "ErrorCode" not in answer:
            return
        pause(2**attempt / 4)
    raise NotTaken(f"{letter.stream}: {answer['ErrorCode']}: {answer.get('ErrorMessage')}")


def receive(sqs, queue_url: str) -> list[dict]:
    """Some messages, or none where none came within the longest wait."""
    return sqs.receive_message(
        QueueUrl=queue_url,
        MessageAttributeNames=list(NAMES),
        MaxNumberOfMessages=10,
        WaitTimeSeconds=20,
        VisibilityTimeout=SECONDS_HIDDEN,
    ).get("Messages", [])


def collect(letters: dict[tuple, Letter], message: dict) -> tuple[tuple, Letter]:
    """Files a message under its record. Gives that record, with all of its pieces so far."""
    stream, partition_key, record, encoding, piece, pieces = (
        message["MessageAttributes"][name]["StringValue"] for name in NAMES
    )
    # A record may have been sent twice, the second time under another key: an aggregate holds its key.
    key = (record, partition_key, pieces)
    letter = letters.setdefault(key, Letter(stream, partition_key, encoding, int(pieces)))
    letter.bodies[int(piece)] = message["Body"]
    letter.handles.append(message["ReceiptHandle"])
    return key, letter
