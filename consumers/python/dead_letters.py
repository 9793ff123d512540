"""Puts dead letters into the stream again, as the records that they were.

    import boto3, dead_letters
    result = dead_letters.put_back(
        boto3.client("sqs"), boto3.client("kinesis"), "https://sqs.…/dead-letters",
        streams=["arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry"],
    )
    print(result)

Every function that may send to the queue can write a letter, while your credentials write the record. So only letters for
`streams` go back; all others stay in the queue, and the result names them.

A consumer that drops duplicates need not know of it. What Kinesis has refused for good it will refuse again: mend the cause
first (docs/consuming.md, "Dead letters").
"""

import base64
import dataclasses
import re
import sys
import time
import typing
import zlib

NAMES = ("Stream", "PartitionKey", "Record", "Encoding", "Piece", "Pieces")
SECONDS_HIDDEN = 600
"""How long messages that were received stay hidden from others: until all pieces are there and were put."""
ATTEMPTS = 8
"""How often a record is put while its stream is too busy, which takes about a minute. Each time that all attempts fail, the
stream's next record gets half as many."""
MOST_PIECES = 1000
"""Most pieces of a record. The largest record has 55."""
MOST_RECORD_BYTES = 10 * 1024 * 1024
"""Kinesis: the largest record, partition key included."""
MOST_KEY_CHARS = 256
"""Kinesis: the longest partition key. The names of records and of streams are shorter."""
MOST_HELD_BYTES = 64 * 1024 * 1024
"""Largest memory of pieces that wait for others. Beyond it, the oldest pieces stay in the queue."""
MESSAGE_BYTES = 4096
"""The memory that a message counts in addition to its body."""
MOST_HELD = 100_000
"""Most messages that are hidden at a time. SQS itself hides 120,000 at most."""
SILENCE = 20
"""The number of consecutive answers without a new message after which the run ends."""

STREAM = re.compile(r"(arn:aws(-[a-z]+)*:kinesis:[a-z0-9-]+:[0-9]{12}:stream/)?[A-Za-z0-9_.-]{1,128}")
NUMBER = re.compile(r"[1-9][0-9]{0,3}")
CHECKSUM = re.compile(r".*-([0-9a-f]{8})", re.DOTALL)

# Error codes of Kinesis.
BUSY = {"ProvisionedThroughputExceededException", "LimitExceededException", "KMSThrottlingException", "ThrottlingException"}
OF_THE_STREAM = re.compile(r"AccessDenied.*|ResourceNotFoundException|KMS.*")
OF_CREDENTIALS = re.compile(r".*(Expired|Token|Signature|UnrecognizedClient|AuthFailure|AccessKey).*")


@dataclasses.dataclass
class Kept:
    """Messages that stay in the queue for the same reason, and the names of some. Hostile characters are escaped."""

    messages: int = 0
    named: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Result:
    """The result: what was put back, and what was not. Its size does not depend on the number of letters."""

    put_back: dict[str, int] = dataclasses.field(default_factory=dict)
    """The number of records, by stream."""
    kept_back: dict[str, Kept] = dataclasses.field(default_factory=dict)
    """The messages that stay in the queue, by reason."""
    hidden: int = 0
    """How many messages could not be made visible again. They become so within ten minutes."""

    def keep(self, reason: str, what: str, messages: int = 1) -> None:
        if reason not in self.kept_back and len(self.kept_back) >= 100:
            reason = "for more streams and reasons than are listed"
        kept = self.kept_back.setdefault(reason, Kept())
        kept.messages += messages
        if len(kept.named) < 3:
            kept.named.append(what)

    def __str__(self) -> str:
        lines = [f"put back: {count} records into {stream}" for stream, count in self.put_back.items()]
        for reason, kept in self.kept_back.items():
            lines.append(f"kept back: {kept.messages} messages, such as {kept.named[0]}: {reason}")
        return "\n".join([*lines, f"not visible again: {self.hidden} messages"])


class NotTaken(Exception):
    """A stream throttled some records, which are visible in the queue again. `result` holds what was done."""

    def __init__(self, reason: str, result: Result):
        super().__init__(reason)
        self.result = result


class KeptBack(Exception):
    """The reason why a letter stays in the queue, and a detail that applies to this letter alone."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(reason)
        self.reason, self.detail = reason, detail


class Key(typing.NamedTuple):
    """The properties that all pieces of a record share. Pieces that differ in any of them are never joined."""

    stream: str
    # A record may have been sent twice, the second time under another key: an aggregate holds its key.
    partition_key: str
    record: str
    encoding: str
    pieces: int


@dataclasses.dataclass
class Letter:
    """The pieces on hand of one record."""

    bodies: dict[int, str] = dataclasses.field(default_factory=dict)
    messages: list[str] = dataclasses.field(default_factory=list)
    size: int = 0
    """Its share of the memory limit, in bytes."""
    bad: str = ""
    """The reason why the record stays in the queue, with all pieces of it that arrive later."""

    def add(self, number: int, body: str, message: str) -> None:
        self.messages.append(message)
        self.size += MESSAGE_BYTES
        if self.bad or self.bodies.get(number) == body:
            return
        if number in self.bodies:
            self.bad = "the queue has two contents of one of its pieces, of which one is forged: compare them"
        self.bodies[number] = body
        self.size += sys.getsizeof(body)
        # Base64 has four characters for three bytes.
        if sum(map(len, self.bodies.values())) > MOST_RECORD_BYTES * 4 // 3 + 4:
            self.bad = "larger than a record of Kinesis"

    def data(self, key: Key) -> tuple[bytes, bool]:
        """The record's data, and whether nothing that may still come can contradict it. Its pieces were cut after it was
        encoded, so they are joined before it is decoded."""
        text = "".join(self.bodies[number] for number in sorted(self.bodies))
        try:
            data = base64.b64decode(text) if key.encoding == "base64" else text.encode()
            size = len(data) + len(key.partition_key.encode())
        except ValueError:
            raise KeptBack("its data is damaged") from None
        # Python reads base64 that no encoder writes.
        if key.encoding == "base64" and base64.b64encode(data).decode() != text:
            raise KeptBack("its data is damaged")
        if size > MOST_RECORD_BYTES:
            raise KeptBack("larger than a record of Kinesis")
        # A forger of a whole record can write its checksum, too: it only shows that pieces belong together.
        checksum = CHECKSUM.fullmatch(key.record)
        fits = checksum is not None and int(checksum[1], 16) == zlib.crc32(data)
        if checksum and not fits and key.pieces > 1:
            raise KeptBack("its pieces do not fit the checksum in its name: one is forged or damaged")
        return data, fits


def put_back(sqs, kinesis, queue_url: str, streams=(), *, pause=time.sleep) -> Result:
    """Puts the letters of a queue back that are for one of `streams`, ARNs or names; without any it only looks.

    A name means the stream of that name in the account and the region of `kinesis`. A letter that states only a name goes to
    the only one of `streams` with that name. A message is deleted when the stream has its record; all others are visible
    again at the end, however it comes. Raises NotTaken if a stream was too busy, and what `sqs` and `kinesis` raise.
    """
    run = Run(sqs, kinesis, queue_url, [streams] if isinstance(streams, str) else list(streams), pause)
    try:
        run.empty()
    finally:
        run.show_again()
    if run.busy:
        raise NotTaken(run.busy, run.result)
    return run.result


class Run:
    """One reading of a queue."""

    def __init__(self, sqs, kinesis, queue_url: str, streams: list[str], pause):
        for stream in streams:
            if not isinstance(stream, str) or not STREAM.fullmatch(stream):
                raise ValueError(f"{stream!r} is neither the ARN nor the name of a stream")
        self.sqs, self.kinesis, self.queue_url, self.streams, self.pause = sqs, kinesis, queue_url, streams, pause
        self.result, self.busy = Result(), ""
        # Receipt handles of hidden messages, by their ids.
        self.held: dict[str, str] = {}
        # The letter whose latest piece is the oldest comes first.
        self.letters: dict[Key, Letter] = {}
        self.size = 0
        # By stream: how often every attempt was throttled, and why the stream rejects all records.
        self.in_vain: dict[str, int] = {}
        self.refusals: dict[str, str] = {}

    def empty(self) -> None:
        silent = 0
        while silent < SILENCE and len(self.held) < MOST_HELD:
            messages = self.receive()
            if not messages:
                break
            new = [message for message in messages if self.hold(message)]
            silent = 0 if new else silent + 1
            for key in dict.fromkeys(map(self.file, new)):
                if key:
                    self.settle(key)
            while self.size > MOST_HELD_BYTES:
                self.take_out(next(iter(self.letters)), "more unfinished records than can be held: put back again")
        for key in list(self.letters):
            if len(self.held) < MOST_HELD:
                self.take_out(key, "some of its pieces are not in the queue")
            else:
                self.keep(key, self.forget(key), "the queue has more messages than can be held: delete those that are not needed")

    def receive(self) -> list[dict]:
        """Returns some messages, or none if none arrived within the longest wait."""
        answer = self.sqs.receive_message(
            QueueUrl=self.queue_url,
            MessageAttributeNames=list(NAMES),
            MaxNumberOfMessages=10,
            WaitTimeSeconds=20,
            VisibilityTimeout=SECONDS_HIDDEN,
        )
        return answer.get("Messages") or []

    def hold(self, message: dict) -> bool:
        """Notes a message that is hidden now. One that was hidden for too long comes again: only its handle is new."""
        handle = message.get("ReceiptHandle") or ""
        name = message["MessageId"] = message.get("MessageId") or handle
        is_new = name not in self.held
        self.held[name] = handle
        return is_new

    def file(self, message: dict) -> Key | None:
        """Adds a message to the others of its record, and returns that record."""
        name = message["MessageId"]
        try:
            key, number, body = self.read(message)
        except KeptBack as why:
            self.result.keep(why.reason, f"message {shown(name)} {why.detail}".rstrip())
            return None
        if key.pieces == 1:
            # Letters of one piece are never mixed, even if they claim the same record.
            self.finish(key, Letter({1: body}, [name]))
            return None
        letter = self.forget(key) if key in self.letters else Letter()
        letter.add(number, body, name)
        self.store(key, letter)
        return key

    def read(self, message: dict) -> tuple[Key, int, str]:
        """Returns the piece that a message claims to be. Anyone may have written it, so it is fully checked before it uses memory."""
        attributes = message.get("MessageAttributes") or {}
        values = {name: (attributes.get(name) or {}).get("StringValue") for name in NAMES}
        for name, value in {**values, "Body": message.get("Body")}.items():
            if not isinstance(value, str) or not value:
                raise KeptBack(f"no dead letter of the extension: it has no {name}; read it, and delete it yourself")
        for name in ("Record", "PartitionKey"):
            if len(values[name]) > MOST_KEY_CHARS:
                raise KeptBack(f"its {name} has more than {MOST_KEY_CHARS} characters")
        if values["Encoding"] not in ("text", "base64"):
            raise KeptBack("its Encoding is unknown", shown(values["Encoding"]))
        numbers = (values["Pieces"], values["Piece"])
        pieces, number = (int(text) if NUMBER.fullmatch(text) else 0 for text in numbers)
        if not 1 <= number <= pieces <= MOST_PIECES:
            detail = f"piece {shown(values['Piece'])} of {shown(values['Pieces'])}"
            raise KeptBack(f"a record has pieces from 1 to {MOST_PIECES} at most", detail)
        stream = self.stream(values["Stream"])
        return Key(stream, values["PartitionKey"], values["Record"], values["Encoding"], pieces), number, message["Body"]

    def stream(self, text: str) -> str:
        """Returns the one of `streams` that a letter is for."""
        if len(text) > MOST_KEY_CHARS or not STREAM.fullmatch(text):
            raise KeptBack("its Stream is neither the ARN nor the name of a stream", shown(text))
        found = {stream for stream in self.streams if text in (stream, stream.rpartition("/")[2])}
        if text in found:
            return text
        if len(found) != 1:
            raise KeptBack(f"for the stream {text}, which `streams` does not allow: if they belong there, add it")
        return found.pop()

    def settle(self, key: Key) -> None:
        """Puts a record whose pieces are proved to belong together. Others wait, because a piece that contradicts one of
        theirs may still come."""
        letter = self.forget(key)
        if not letter.bad and len(letter.bodies) == key.pieces:
            try:
                data, is_proved = letter.data(key)
                if is_proved:
                    return self.put(key, letter, data)
            except KeptBack as why:
                letter.bad = why.reason
        if letter.bad:
            self.keep(key, letter, letter.bad)
            letter = Letter(size=MESSAGE_BYTES, bad=letter.bad)
        return self.store(key, letter)

    def take_out(self, key: Key, lacks: str) -> None:
        """Ends the wait for more pieces."""
        letter = self.forget(key)
        missing = [str(number) for number in range(1, key.pieces + 1) if number not in letter.bodies]
        if letter.bad:
            return
        if missing:
            self.keep(key, letter, lacks, f"without {', '.join(missing[:10])} of {key.pieces}")
        else:
            self.finish(key, letter)

    def finish(self, key: Key, letter: Letter) -> None:
        """Puts a record whose pieces have all arrived."""
        try:
            data, _ = letter.data(key)
        except KeptBack as why:
            return self.keep(key, letter, why.reason)
        return self.put(key, letter, data)

    def store(self, key: Key, letter: Letter) -> None:
        self.letters[key] = letter
        self.size += letter.size

    def forget(self, key: Key) -> Letter:
        letter = self.letters.pop(key)
        self.size -= letter.size
        return letter

    def keep(self, key: Key, letter: Letter, reason: str, detail: str = "") -> None:
        self.result.keep(reason, f"record {shown(key.record)} {detail}".rstrip(), len(letter.messages))

    def put(self, key: Key, letter: Letter, data: bytes) -> None:
        """Puts a record with the one operation that the policies of functions allow, then deletes its messages."""
        refusal = self.refusals.get(key.stream) or self.refusal(key, data)
        if refusal:
            return self.keep(key, letter, refusal)
        self.result.put_back[key.stream] = self.result.put_back.get(key.stream, 0) + 1
        for message in letter.messages:
            self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=self.held[message])
            del self.held[message]

    def refusal(self, key: Key, data: bytes) -> str:
        """Returns the reason why the stream rejects a record, or nothing if it accepts it."""
        stream = {"StreamARN" if key.stream.startswith("arn:") else "StreamName": key.stream}
        record = {"PartitionKey": key.partition_key, "Data": data}
        attempts = max(ATTEMPTS >> self.in_vain.get(key.stream, 0), 1)
        for attempt in range(attempts):
            if attempt:
                self.pause(2**attempt / 8)
            try:
                # The call succeeds even if the record fails.
                (answer,) = self.kinesis.put_records(**stream, Records=[record])["Records"]
            except Exception as error:
                why, found = f"{key.stream}: {shown(str(error), 300)}", code(error)
                if not found or OF_CREDENTIALS.fullmatch(found):
                    raise
                if found not in BUSY:
                    if OF_THE_STREAM.fullmatch(found):
                        self.refusals[key.stream] = why
                    return why
            else:
                if answer.get("SequenceNumber") and not answer.get("ErrorCode"):
                    return ""
                why = f"{key.stream}: {shown(str(answer.get('ErrorCode')))}: {shown(str(answer.get('ErrorMessage')), 300)}"
        self.in_vain[key.stream] = self.in_vain.get(key.stream, 0) + 1
        self.busy = why
        return why

    def show_again(self) -> None:
        """Makes all messages visible that were not deleted."""
        held, self.held = list(self.held.values()), {}
        for at in range(0, len(held), 10):
            self.result.hidden += self.show(held[at : at + 10])

    def show(self, handles: list[str]) -> int:
        """Makes up to ten messages visible, one by one if the batch fails. Returns the number of messages that are still hidden."""
        queue = {"QueueUrl": self.queue_url}
        entries = [{"Id": str(n), "ReceiptHandle": it, "VisibilityTimeout": 0} for n, it in enumerate(handles)]
        try:
            answer = self.sqs.change_message_visibility_batch(**queue, Entries=entries) or {}
            # A message that was deleted or is already visible is not a failure; SQS reports it as a sender's fault.
            return sum(1 for failed in answer.get("Failed") or [] if not failed.get("SenderFault"))
        except Exception:
            hidden = 0
            for handle in handles:
                try:
                    self.sqs.change_message_visibility(**queue, ReceiptHandle=handle, VisibilityTimeout=0)
                except Exception:
                    hidden += 1
            return hidden


def code(error: Exception) -> str:
    """Returns the code of an error of boto3."""
    response = getattr(error, "response", None) or {}
    return str((response.get("Error") or {}).get("Code") or "")


def shown(text: str, most: int = 80) -> str:
    """Returns untrusted text without control characters and invisible characters."""
    return ascii(text if len(text) <= most else text[:most] + "…")[1:-1]
