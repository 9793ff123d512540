"""What arrived of each instance: order, duplicates, parts and missing numbers."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from . import ranges
from .lines import MAX_PARSED_BYTES, BadLine, Event, read_object, records_to_events
from .records import MAX_INFLATED_BYTES, BadRecord

LEDGER = "kinesis-telemetry.ledger"


@dataclasses.dataclass(frozen=True)
class Report:
    """The state of one instance. Numbers are given as ranges, in order: `range(3, 6)` is 3, 4 and 5."""

    events: int
    """The number of whole events that arrived, without duplicates."""
    last: int
    """The largest number that an event or a ledger states."""
    ledger: dict[str, Any] | None
    """The last ledger that arrived, which describes the numbers up to its `upTo`."""
    missing: list[range]
    """Unexplained numbers: their events are on their way, in a dead letter, or in the spill file of an environment."""
    incomplete: dict[int, list[range]]
    """Numbers of events of which some parts are missing, with the numbers of those parts."""
    shed: list[range]
    """Numbers that are missing wholly or in parts, and that a ledger reports as shed."""
    uncounted: int
    """How many of `shed` exceed the ledger's count: it may merge ranges, but counts the events in them."""

    @property
    def is_explained(self) -> bool:
        """True if every event up to `last` arrived or was shed."""
        return not (self.missing or self.incomplete or self.uncounted)


class Collector:
    """Sorts events, drops duplicates, joins parts, and finds missing numbers. It keeps every event in memory."""

    def __init__(self) -> None:
        self.duplicates = 0
        """The number of events and parts that arrived again."""
        self.unjoinable = 0
        """The number of sets of parts that do not join to an event."""
        self.anonymous: list[Event] = []
        """Events without identity, in the order of arrival."""
        self._events: dict[str, dict[int, Event]] = {}
        # Parts that disagree on how many there are do not belong together.
        self._parts: dict[str, dict[int, dict[int, dict[int, Event]]]] = {}
        self._ledgers: dict[str, dict[str, Any]] = {}

    def add(self, data: bytes, bad_lines: list[BadLine] | None = None) -> list[Event]:
        """Adds a record. Returns the whole events that are new. Raises BadRecord as `records_to_events` does."""
        return self.add_events(records_to_events(data, bad_lines))

    def add_events(self, events: Iterable[Event]) -> list[Event]:
        """Adds events and parts. Returns the whole events that are new."""
        return [new for event in events if (new := self._add(event)) is not None]

    def events(self, instance: str) -> list[Event]:
        """Returns the whole events of an instance, in the order of their numbers."""
        return [event for _, event in sorted(self._events.get(instance, {}).items())]

    def instances(self) -> list[str]:
        """Returns the names of all instances of which an event or a part arrived."""
        return sorted(self._events)

    def report(self, instance: str, first: int = 1) -> Report:
        """Returns the state of an instance.

        Numbers below `first` count as neither missing nor shed. Set it if you do not read the stream from its beginning.
        """
        events = self._events.get(instance, {})
        begun = self._parts.get(instance, {})
        ledger = self._ledgers.get(instance, {})
        last = max([*events, *begun, ledger.get("upTo", 0)], default=0)
        absent = ranges.without(ranges.gaps(sorted(events), last), [range(0, first)])
        given_up = [(range(it["first"], it["last"] + 1), it["events"]) for it in ledger.get("shedRanges", ())]
        shed = ranges.common(absent, ranges.merged(it for it, _ in given_up))
        unexplained = ranges.without(absent, shed)
        incomplete = {seq: _absent_parts(begun[seq]) for seq in sorted(begun) if ranges.holds(unexplained, seq)}
        absent_in = ranges.counter(absent)
        return Report(
            events=len(events),
            last=last,
            ledger=ledger or None,
            missing=ranges.without(unexplained, [range(seq, seq + 1) for seq in incomplete]),
            incomplete=incomplete,
            shed=shed,
            uncounted=sum(max(0, absent_in(it) - counted) for it, counted in given_up),
        )

    def _add(self, event: Event) -> Event | None:
        instance, seq = event.instance, event.seq
        if instance is None or seq is None:
            self.anonymous.append(event)
            return event
        events = self._events.setdefault(instance, {})
        if seq in events:
            self.duplicates += 1
            return None
        whole = self._join(event, self._parts.setdefault(instance, {}), seq)
        if whole is not None:
            events[seq] = whole
            self._note(whole, instance, seq)
        return whole

    def _join(self, event: Event, begun: dict[int, dict[int, dict[int, Event]]], seq: int) -> Event | None:
        """Returns the event if no part of it is missing any more; keeps a part otherwise."""
        if event.part is None or event.parts is None:
            return event
        parts = begun.setdefault(seq, {}).setdefault(event.parts, {})
        if event.part in parts:
            self.duplicates += 1
            return None
        parts[event.part] = event
        if len(parts) < event.parts:
            return None
        del begun[seq]
        try:
            text = _joined(parts)
        except ValueError:
            self.unjoinable += 1
            return None
        return dataclasses.replace(event, text=text, part=None, parts=None)

    def _note(self, event: Event, instance: str, seq: int) -> None:
        """Keeps the last ledger of an instance, which describes everything before it."""
        # The type is near the beginning; only events that contain the word are parsed.
        if LEDGER in event.text[:200] and len(event.text) <= MAX_PARSED_BYTES and (ledger := _ledger(event, seq)) is not None:
            latest = self._ledgers.get(instance)
            if latest is None or latest["upTo"] < ledger["upTo"]:
                self._ledgers[instance] = ledger


def _joined(parts: dict[int, Event]) -> str:
    if sum(len(part.text) for part in parts.values()) > MAX_INFLATED_BYTES:
        raise ValueError("the parts are larger than an event can be")
    text = "".join(parts[number].text for number in sorted(parts))
    read_object(text.encode())
    return text


def _ledger(event: Event, seq: int) -> dict[str, Any] | None:
    """Returns the content of a ledger; None for other events and for one that the extension cannot have written."""
    try:
        value = event.value
    except BadRecord:
        return None
    if not isinstance(value, dict) or value.get("type") != LEDGER:
        return None
    ledger = value.get("record")
    # A ledger describes the numbers before its own.
    if not isinstance(ledger, dict) or not _is_count(ledger.get("upTo"), seq - 1):
        return None
    shed = ledger.get("shedRanges", [])
    return ledger if isinstance(shed, list) and _are_plausible(shed, ledger["upTo"]) else None


def _are_plausible(ranges: list[Any], last: int) -> bool:
    """Returns True if the ranges are in order, hold the events that they count, and end at `last` or before."""
    before = 0
    for it in ranges:
        if not isinstance(it, dict) or not _is_count(it.get("last"), last) or not _is_count(it.get("first"), it["last"]):
            return False
        if it["first"] <= before or not _is_count(it.get("events"), it["last"] - it["first"] + 1):
            return False
        before = it["last"]
    return True


def _is_count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _absent_parts(begun: dict[int, dict[int, Event]]) -> list[range]:
    """Returns the numbers of the parts that are missing of an event: of the set of parts that is nearest to complete."""
    of, parts = max(begun.items(), key=lambda it: len(it[1]))
    return ranges.gaps(sorted(parts), of)
