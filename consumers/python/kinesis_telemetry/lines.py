"""The lines of a record: one event each, with its identity."""

import dataclasses
import json
import logging
import operator
from collections.abc import Callable, Iterator
from typing import Any

from .records import MAX_INFLATED_BYTES, MAX_LINES, BadEvent, BadRecord, deaggregate, inflate

PART = "kinesis-telemetry.part"
RECORD = "kinesis-telemetry.record"

MAX_NUMBER = 2**53 - 1
"""Largest `seq`: the largest integer that every JSON parser reads exactly (RFC 8259, section 6)."""
MAX_PARTS = 65_536
"""Most parts of an event. The largest event has about 6,000 parts with the smallest `MAX_RECORD_BYTES`."""
MAX_SOURCE_BYTES = 16_384
"""Longest `source`. Lambda bounds all environment variables together, and so every label, to 4 KiB."""
MAX_PARSED_BYTES = 262_144
"""Longest event that is checked to be JSON: the limit of a log line. Longer ones are delivered without the check, because
their parsed form can take many times the memory."""
PART_BEGINS = '{"type":"%s","record":"' % PART
MEMBERS = {"function": "function", "version": "version", "instance": "instance", "seq": "seq"}
MEMBERS |= {"requestId": "request_id", "part": "part", "parts": "parts"}
"""Members of `source`, and the fields of Event that hold them."""
COUNTS = {"seq": MAX_NUMBER, "part": MAX_PARTS, "parts": MAX_PARTS, "events": MAX_LINES}
"""Members of `source` that are numbers from 1, with the largest; all others are text."""


@dataclasses.dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be read."""

    number: int
    """The number of the line in its record, its aggregated record, or its file, from 1."""
    reason: str
    """The reason, for people."""
    line: bytes
    """The line without its line break."""


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """An event, or a part of one. Without an identity (`ENVELOPE=none`) all fields but `text` are None."""

    text: str
    """The event's JSON as Lambda wrote it, without `source`. For a part: a fragment of that."""
    function: str | None = None
    version: str | None = None
    instance: str | None = None
    seq: int | None = None
    request_id: str | None = None
    part: int | None = None
    parts: int | None = None
    labels: dict[str, str] | None = dataclasses.field(default=None, hash=False)
    """All other members of `source`: `tenantId`, those of `LABELS`, and those of later releases."""

    @property
    def identity(self) -> tuple[str | None, int | None, int | None]:
        """Two events with the same identity are duplicates."""
        return (self.instance, self.seq, self.part)

    @property
    def value(self) -> Any:
        """The parsed event, a `dict`, which may take many times the memory of its text.

        Raises BadEvent for a part, and for JSON that Python's parser cannot read: nested too deeply, or with a number of
        more than 4,300 digits. Keep the text of such an event.
        """
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError) as error:
            raise BadEvent(f"the event cannot be parsed: {error}") from error

    @property
    def line(self) -> str:
        """The event as a line of NDJSON without the line break, with `source` as its last member if it has an identity."""
        if self.instance is None:
            return self.text.replace("\r", " ")
        members = {name: getattr(self, field) for name, field in MEMBERS.items()} | (self.labels or {})
        source = {name: value for name, value in members.items() if value is not None}
        own = self.text if self.part is None else _json({"type": PART, "record": self.text})
        # Between the tokens of an event that was joined from parts there may be line breaks. In strings JSON escapes them.
        own = own.replace("\n", " ").replace("\r", " ").rstrip().removesuffix("}")
        return f'{own}{"" if own.rstrip().endswith("{") else ","}"source":{_json(source)}}}'


def records_to_events(data: bytes, bad_lines: list[BadLine] | None = None) -> list[Event]:
    """Returns the events of one record in their order. Parts stay parts: a Collector joins them.

    Lines that cannot be read are appended to `bad_lines`; without that list, one warning is logged. Raises BadRecord if the
    record is damaged, is larger than the limits of this module, or holds no event.
    """
    bad = [] if bad_lines is None else bad_lines
    records = list(deaggregate(inflate(data)))
    if sum(lines.count(b"\n") for lines in records) > MAX_LINES:
        raise BadRecord(f"it holds more than {MAX_LINES} lines")
    events = [event for lines in records for event in _read(lines, bad)]
    if not events:
        raise BadRecord(f"it holds no event{': ' + bad[0].reason if bad else ''}")
    if bad_lines is None:
        _warn(bad)
    return events


def lines_to_events(data: bytes, bad_lines: list[BadLine] | None = None) -> list[Event]:
    """Returns the events of NDJSON: of a record's content, or of a file that Firehose has written.

    Lines that cannot be read are appended to `bad_lines`; without that list, one warning is logged.
    """
    bad = [] if bad_lines is None else bad_lines
    events = list(_read(data, bad))
    if bad_lines is None:
        _warn(bad)
    return events


def _warn(bad_lines: list[BadLine]) -> None:
    if bad_lines:
        first = bad_lines[0]
        message = "unreadable lines: %d; the first is line %d: %s: %r"
        logging.getLogger("kinesis_telemetry").warning(message, len(bad_lines), first.number, first.reason, first.line[:100])


def _read(data: bytes, bad_lines: list[BadLine]) -> Iterator[Event]:
    # With ENVELOPE=record: the identity of the lines that follow the first one, and their numbers.
    head: dict[str, Any] = {}
    numbers = iter(range(0))
    at = number = 0
    while at < len(data):
        # Not `splitlines`: a log line may hold other line breaks of Unicode.
        end = data.find(b"\n", at)
        line, at, number = data[at : end if end >= 0 else None], end + 1 or len(data), number + 1
        if not line:
            continue
        try:
            seq = next(numbers, None)
            if end < 0:
                raise ValueError("the line does not end")
            if seq is not None:
                yield Event(read_object(line)[0], **{**head, "seq": seq})
                continue
            text, source = _identified(line)
            if (events := source.pop("events", 0)) > 0:
                head, numbers = _fields(source), iter(range(source["seq"], source["seq"] + events))
            else:
                yield Event(text, **_fields(source))
        except ValueError as error:
            bad_lines.append(BadLine(number, str(error), line))
    if missing := operator.length_hint(numbers):
        bad_lines.append(BadLine(number, f"{missing} events are missing that the first line announces", b""))


def _identified(line: bytes) -> tuple[str, dict[str, Any]]:
    """Returns the text of an event, or the fragment in a part of one, and its `source`, which is empty without an identity."""
    own, source = _cut(line)
    text, members = read_object(own)
    kind = PART if text.startswith(PART_BEGINS) else members.get("type")
    if (kind == PART) != ("part" in source) or (kind == RECORD) != ("events" in source):
        raise ValueError("the type of the line does not fit its source")
    if kind == PART:
        text = _text("record", members.get("record") if members else _fragment(text))
    return text, source


def _cut(line: bytes) -> tuple[bytes, dict[str, Any]]:
    """Cuts off the `source` that the extension has added as the last member. The rest keeps its bytes: 1.0 must not become 1."""
    # Quotes inside a string are escaped, so nothing in a string can look like this.
    at = line.rfind(b'"source":{')
    own = line[: max(at, 0)].removesuffix(b",")
    has_comma, is_first = len(own) < at, own.strip() == b"{"
    if at < 0 or has_comma == is_first or not line.endswith(b"}}") or len(line) - at > MAX_SOURCE_BYTES:
        return line, {}
    try:
        source = _DECODER.decode(line[at + len('"source":') : -1].decode())
    except (ValueError, RecursionError):
        # It belongs to the event: to a member that holds objects.
        return line, {}
    if not source.keys() & {"instance", "seq"}:
        return line, {}
    for name, value in source.items():
        if name not in COUNTS:
            _text(_text("a name", name), value)
        elif type(value) is not int or not 1 <= value <= COUNTS[name]:
            raise ValueError(f"{name} is {value!r:.50}, and must be a number from 1 to {COUNTS[name]}")
    if not source.get("instance") or "seq" not in source:
        raise ValueError("its source lacks instance or seq")
    if ("part" in source) != ("parts" in source) or source.get("part", 0) > source.get("parts", 0):
        raise ValueError("its source names a part that does not exist")
    events = source.get("events", 1)
    if source["seq"] + events - 1 > MAX_NUMBER or events * (len(line) - at) > MAX_INFLATED_BYTES:
        raise ValueError("its source is of more events than it can be")
    return own + b"}", source


def _text(name: str, value: object) -> str:
    """Returns the value of a member that must be text."""
    if not isinstance(value, str):
        raise ValueError(f"{name[:50]!r} is not text")
    # Half of a surrogate pair is no text: it has no UTF-8.
    value.encode()
    return value


def read_object(line: bytes) -> tuple[str, dict[str, Any]]:
    """Returns a line as text, and its members: none for a line that is too long, or too much for the parser."""
    text = line.decode()
    members: dict[str, Any] = {}
    if len(line) <= MAX_PARSED_BYTES:
        try:
            members = _CHECKER.decode(text)
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError):
            # It is JSON as far as the parser got: then came a number of more than 4,300 digits, or the thousandth level.
            pass
    if not isinstance(members, dict) or (text.strip()[:1], text.strip()[-1:]) != ("{", "}"):
        raise ValueError("the line is not a JSON object")
    return text, members


def _number(digits: str) -> int | None:
    # Longer numbers are no counts, and Python refuses to read some of them.
    return int(digits) if len(digits) <= 20 else None


def _refuse(constant: str) -> None:
    raise json.JSONDecodeError("not a JSON value", constant, 0)


_scan_string: Callable[[str, int], tuple[str, int]] = json.decoder.scanstring  # type: ignore[attr-defined]
_DECODER = json.JSONDecoder(parse_int=_number, parse_constant=_refuse)
_CHECKER = json.JSONDecoder(parse_constant=_refuse)
"""For the text of events, whose numbers are not used: five times as fast as one that calls a function for each number."""


def _fragment(part: str) -> str:
    """Returns the fragment in a part that is too long to be parsed: a string, which takes no more memory than its text."""
    fragment, end = _scan_string(part, len(PART_BEGINS))
    if part[end:].strip() != "}":
        raise ValueError("a part holds more than its fragment")
    return fragment


def _fields(source: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields of an event with this `source`."""
    labels = {name: value for name, value in source.items() if name not in MEMBERS}
    return {MEMBERS[name]: value for name, value in source.items() if name in MEMBERS} | {"labels": labels or None}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
