"""From the records of a stream to the events that Lambda generated, byte for byte.

One module without dependencies: copy it. docs/consuming.md describes the format, README.md says the oldest Python. Only
records with COMPRESSION=zstd need more: Python 3.14, or one of the packages `backports.zstd` and `zstandard`.
"""

import dataclasses
import gzip
import hashlib
import importlib
import json
import zlib
from collections.abc import Iterable, Iterator

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
AGGREGATE = b"\xf3\x89\x9a\xc2"
CHECKSUM_BYTES = 16

PART = "kinesis-telemetry.part"
RECORD = "kinesis-telemetry.record"
LEDGER = "kinesis-telemetry.ledger"


class BadRecord(ValueError):
    """A record that this module cannot read: damaged, or not written by the extension."""


@dataclasses.dataclass(frozen=True)
class Event:
    """An event, or a part of one. Where the envelope carries no identity, all but `text` is None."""

    text: str
    """The event's JSON as Lambda wrote it, without `source`. Of a part: a piece of that."""
    function: str | None = None
    version: str | None = None
    instance: str | None = None
    seq: int | None = None
    request_id: str | None = None
    part: int | None = None
    parts: int | None = None

    @property
    def identity(self) -> tuple[str | None, int | None, int | None]:
        """Two events with one identity are one event that came twice."""
        return (self.instance, self.seq, self.part)

    @property
    def value(self) -> dict:
        """The event, read. Not for parts."""
        return json.loads(self.text)

    @property
    def line(self) -> str:
        """As a line of NDJSON, without the line break: the event with `source` as its last member, where it has any."""
        if self.instance is None:
            return self.text
        source = {"function": self.function, "version": self.version, "instance": self.instance, "seq": self.seq}
        more = {"requestId": self.request_id, "part": self.part, "parts": self.parts}
        source.update((name, value) for name, value in more.items() if value is not None)
        own = self.text if self.part is None else _json({"type": PART, "record": self.text})
        own = own.removesuffix("}")
        return f'{own}{"" if own.rstrip().endswith("{") else ","}"source":{_json(source)}}}'


def records_to_events(data: bytes) -> list[Event]:
    """The events of one record, in their order. Parts stay parts: a Collector joins them."""
    events = [event for lines in deaggregate(inflate(data)) for event in lines_to_events(lines)]
    if not events:
        raise BadRecord("it holds no event")
    return events


def inflate(data: bytes) -> bytes:
    """The data of a record without its compression, which it tells by its first bytes."""
    try:
        if data.startswith(GZIP):
            return gzip.decompress(data)
        if data.startswith(ZSTD):
            return _zstd()(data)
    except (EOFError, OSError, zlib.error) as error:
        raise BadRecord(f"it cannot be decompressed: {error}") from error
    return data


def _zstd():
    """Whatever decompresses Zstandard here; it raises a BadRecord for what is none."""
    for name in ("compression.zstd", "backports.zstd", "zstandard"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue

        def decompress(data: bytes) -> bytes:
            # Not `zstandard.decompress`, which wants to know the size beforehand.
            decompressor = module.ZstdDecompressor()
            decompressor = decompressor.decompressobj() if name == "zstandard" else decompressor
            try:
                inflated = decompressor.decompress(data)
            except module.ZstdError as error:
                raise BadRecord(f"it cannot be decompressed: {error}") from error
            if not decompressor.eof:
                raise BadRecord("it cannot be decompressed: it breaks off")
            return inflated

        return decompress
    raise RuntimeError("records with COMPRESSION=zstd need Python 3.14 or the package backports.zstd or zstandard")


def deaggregate(data: bytes) -> Iterator[bytes]:
    """The records inside an aggregate of the Kinesis Producer Library. What is none comes back as it is."""
    if not data.startswith(AGGREGATE):
        yield data
        return
    message, checksum = data[len(AGGREGATE) : -CHECKSUM_BYTES], data[-CHECKSUM_BYTES:]
    # A checksum, no security: where policy forbids MD5 it still is one.
    if hashlib.md5(message, usedforsecurity=False).digest() != checksum:
        raise BadRecord("the checksum of an aggregate is not that of its content")
    for number, record in _fields(message):
        if number == 3:
            yield next((value for number, value in _fields(record) if number == 3), b"")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbers and values of a protobuf message's fields, as far as aggregates have them."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        value, at = _varint(message, at)
        if tag & 7 == 0:
            yield tag >> 3, b""
        elif tag & 7 == 2 and at + value <= len(message):
            yield tag >> 3, message[at : at + value]
            at += value
        else:
            raise BadRecord("an aggregate breaks off, or is of a kind that is unknown")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        byte = message[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return value, at
    raise BadRecord("an aggregate breaks off")


def lines_to_events(data: bytes) -> list[Event]:
    """The events of NDJSON: of a record, or of a file that Firehose has made of many."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise BadRecord(f"it is not UTF-8: {error}") from error
    if text and not text.endswith("\n"):
        raise BadRecord("its last line has no end")
    events, head, following = [], {}, 0
    # Not `splitlines`, which also splits where a line of a log has one of Unicode's other line breaks.
    for line in text.split("\n"):
        if not line:
            continue
        value = _object(line)
        if following > 0:
            source = {**head, "seq": head["seq"] + head["events"] - following}
            events.append(_event(line, source))
            following -= 1
        elif value.get("type") == RECORD:
            head = value["source"]
            following = head["events"]
        else:
            events.append(_identified(line, value))
    if following > 0:
        raise BadRecord(f"{following} events are missing that its first line announces")
    return events


def _object(line: str) -> dict:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise BadRecord(f"a line is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadRecord("a line is not a JSON object")
    return value


def _identified(line: str, value: dict) -> Event:
    """An event with an identity of its own, or with none."""
    source = value.get("source")
    if not isinstance(source, dict) or not {"instance", "seq"} <= source.keys():
        return Event(line)
    if value.get("type") == PART:
        return _event(value["record"], source)
    # `source` is the last member, and nothing inside it can look like its beginning. The rest is not parsed and written
    # again: 1.0 must not become 1.
    own = line[: line.rindex('"source":{"function":')].removesuffix(",")
    return _event(own + "}", source)


def _event(text: str, source: dict) -> Event:
    get = source.get
    return Event(
        text,
        function=get("function"),
        version=get("version"),
        instance=source["instance"],
        seq=source["seq"],
        request_id=get("requestId"),
        part=get("part"),
        parts=get("parts"),
    )


def _json(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclasses.dataclass(frozen=True)
class Report:
    """What is known of the events of one instance."""

    events: int
    """Whole events that arrived, duplicates not counted."""
    last: int
    """The largest number that is known to have been given."""
    ledger: dict | None
    """The last ledger that arrived: what the extension says itself. It tells of the numbers up to its `upTo`."""
    missing: list[int]
    """Numbers that nothing explains: on their way, in a dead letter, or in the spill file of an environment."""
    incomplete: dict[int, list[int]]
    """The same of events in parts: which of their parts."""
    shed: list[int]
    """Numbers that did not arrive, or not all of their parts, and that a ledger says were given up."""
    uncounted: int
    """How many of `shed` are more than that ledger counts: it may draw ranges together, but says how many it means."""

    @property
    def is_explained(self) -> bool:
        """Whether all up to `last` arrived or was given up."""
        return not (self.missing or self.incomplete or self.uncounted)


class Collector:
    """Puts events in order, drops duplicates, joins parts, and tells what is missing."""

    def __init__(self):
        self.duplicates = 0
        """Events and parts that came again."""
        self.anonymous: list[Event] = []
        """Events without identity, as they came."""
        self._events: dict[str, dict[int, Event]] = {}
        self._parts: dict[tuple[str, int], dict[int, Event]] = {}
        self._ledgers: dict[str, dict] = {}

    def add(self, data: bytes) -> list[Event]:
        """Takes a record; gives the whole events that are new."""
        return self.add_events(records_to_events(data))

    def add_events(self, events: Iterable[Event]) -> list[Event]:
        """Takes events, parts among them; gives the whole events that are new."""
        return [new for event in events if (new := self._take(event)) is not None]

    def events(self, instance: str) -> list[Event]:
        """The whole events of an instance, by number."""
        return [event for _, event in sorted(self._events.get(instance, {}).items())]

    def instances(self) -> list[str]:
        """Whose events have arrived."""
        return sorted(self._events.keys() | {instance for instance, _ in self._parts})

    def report(self, instance: str) -> Report:
        """What is known of an instance."""
        events = self._events.get(instance, {})
        ledger = self._ledgers.get(instance, {})
        begun = {seq: parts for (of, seq), parts in self._parts.items() if of == instance}
        last = max([*events, *begun, ledger.get("upTo", 0)], default=0)
        shed: list[int] = []
        uncounted = 0
        absent = [seq for seq in range(1, last + 1) if seq not in events]
        for given_up in ledger.get("shedRanges", []):
            inside = [seq for seq in absent if given_up["first"] <= seq <= given_up["last"]]
            shed += inside
            uncounted += max(0, len(inside) - given_up["events"])
        open_numbers = set(absent) - set(shed)
        incomplete = {seq: _without(parts) for seq, parts in sorted(begun.items()) if seq in open_numbers}
        return Report(
            events=len(events),
            last=last,
            ledger=ledger or None,
            missing=sorted(open_numbers - incomplete.keys()),
            incomplete=incomplete,
            shed=shed,
            uncounted=uncounted,
        )

    def _take(self, event: Event) -> Event | None:
        if event.instance is None:
            self.anonymous.append(event)
            return event
        whole = event
        key = (event.instance, event.seq)
        events = self._events.setdefault(event.instance, {})
        if event.part is not None:
            if event.seq in events or event.part in self._parts.get(key, {}):
                self.duplicates += 1
                return None
            parts = self._parts.setdefault(key, {})
            parts[event.part] = event
            if len(parts) < event.parts:
                return None
            text = "".join(parts[number].text for number in sorted(parts))
            whole = dataclasses.replace(event, text=text, part=None, parts=None)
            del self._parts[key]
        elif event.seq in events:
            self.duplicates += 1
            return None
        events[event.seq] = whole
        self._note(whole)
        return whole

    def _note(self, event: Event):
        """The last ledger of an instance counts for all before it."""
        # Its type stands near the beginning; only what holds the word is worth reading.
        if LEDGER not in event.text[:200]:
            return
        value = event.value
        if value.get("type") == LEDGER:
            latest = self._ledgers.get(event.instance)
            if latest is None or latest["upTo"] < value["record"]["upTo"]:
                self._ledgers[event.instance] = value["record"]


def _without(parts: dict[int, Event]) -> list[int]:
    of = next(iter(parts.values())).parts
    return [number for number in range(1, of + 1) if number not in parts]
