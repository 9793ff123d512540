"""Reports what arrived from a stream: instances, missing numbers, duplicates."""

import datetime
from collections.abc import Iterator
from typing import Any

from ._terminal import plain
from .collector import Collector, Report
from .lines import MAX_PARSED_BYTES, BadLine, Event, records_to_events
from .records import BadEvent, BadRecord

QUARANTINE = "kinesis-telemetry.quarantine"
MOST_RANGES = 20
"""The number of ranges that are listed for an instance."""
MOST_CHARACTERS = 140
"""The number of characters of a name that are shown. The names of functions are shorter."""
CLOCKS_DIFFER = datetime.timedelta(seconds=10)
"""How much later an event must be than the beginning of a period to count as generated within it: Lambda states when an
event was generated, Kinesis when a record arrived."""


class Summary:
    """Counts the events of a stream, and judges whether any is missing.

    The events of an instance are judged from the first one that was generated within the period. Without a period, they are
    judged from the first one that arrived, because older records may have left the stream.
    """

    def __init__(self, since: datetime.datetime | None = None) -> None:
        self.collector = Collector()
        self.records = 0
        self.bad_records = 0
        self.bad_lines = 0
        self.quarantined = 0
        self._due_from = None if since is None else since + CLOCKS_DIFFER
        self._first: dict[str, int] = {}

    def add(self, data: bytes, bad_lines: list[BadLine]) -> list[Event]:
        """Adds a record. Returns the whole events that are new. Raises BadRecord as `records_to_events` does."""
        self.records += 1
        try:
            arrived = records_to_events(data, bad_lines)
        except BadRecord:
            self.bad_records += 1
            raise
        self.bad_lines += len(bad_lines)
        new = self.collector.add_events(arrived)
        members = [_members(event) for event in new]
        self.quarantined += sum(it.get("type") == QUARANTINE for it in members)
        due = arrived
        if self._due_from is not None:
            due = [event for event, it in zip(new, members, strict=True) if _is_since(it.get("time"), self._due_from)]
        for event in due:
            if event.instance is not None and event.seq is not None:
                self._first[event.instance] = min(event.seq, self._first.get(event.instance, event.seq))
        return new

    def missing(self) -> int:
        """Returns how many events are missing, with those of which a part is missing."""
        return sum(_count(report) for _, _, report in self._instances())

    def lines(self) -> Iterator[str]:
        """Yields the lines of the report."""
        instances = list(self._instances())
        events = sum(report.events for _, _, report in instances)
        yield f"arrived                {_counted(events, 'event')} of {_counted(len(instances), 'instance')}"
        yield f"records                {self.records:,}"
        yield f"duplicates             {self.collector.duplicates:,}"
        yield f"quarantined events     {self.quarantined:,}"
        yield f"unreadable records     {self.bad_records:,}"
        yield f"unreadable lines       {self.bad_lines:,}"
        if self.collector.unjoinable:
            yield f"parts that do not join {self.collector.unjoinable:,}"
        if self.collector.anonymous:
            yield f"without identity       {len(self.collector.anonymous):,} (ENVELOPE=none: none of them can be missed)"
        for instance, first, report in instances:
            about = list(_about(first, report))
            if about:
                yield ""
                function = plain(self._function(instance))[:MOST_CHARACTERS]
                yield f"instance {plain(instance)[:MOST_CHARACTERS]} of {function}: {_counted(report.events, 'event')}"
                yield from (f"  {line}" for line in about)
        yield ""
        missing, due = self.missing(), sum(max(0, report.last - first + 1) for _, first, report in instances)
        if missing:
            yield f"incomplete: {missing:,} of {_counted(due, 'event')} are on their way, dead letters, in a spill file, or lost"
        else:
            yield f"complete: none of {_counted(due, 'event')} is missing"

    def _instances(self) -> Iterator[tuple[str, int, Report]]:
        for instance in self.collector.instances():
            # An instance whose events were all generated before the period owes no events.
            first = self._first.get(instance, self.collector.report(instance).last + 1)
            yield instance, first, self.collector.report(instance, first)

    def _function(self, instance: str) -> str:
        names = (event.function for event in self.collector.events(instance))
        return next((name for name in names if name), "an unknown function")


def _members(event: Event) -> dict[str, Any]:
    """Returns the members of an event; none if it is too long or too deeply nested for the parser."""
    try:
        value = event.value if len(event.text) <= MAX_PARSED_BYTES else {}
    except BadEvent:
        value = {}
    return value if isinstance(value, dict) else {}


def _is_since(text: object, since: datetime.datetime) -> bool:
    try:
        time = datetime.datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return False
    return time is not None and time.tzinfo is not None and time >= since


def _count(report: Report) -> int:
    return sum(map(len, report.missing)) + len(report.incomplete) + report.uncounted


def _about(first: int, report: Report) -> Iterator[str]:
    """Yields the problems of an instance."""
    if report.missing:
        yield f"missing     {_numbers(report.missing)}"
    if report.incomplete:
        yield f"incomplete  {_numbers([range(seq, seq + 1) for seq in report.incomplete])}: some of their parts are missing"
    if report.shed:
        yield f"given up    {_numbers(report.shed)}, as a ledger of the instance says"
    if report.uncounted:
        yield f"            {report.uncounted:,} more than the ledger counts: these are missing"
    if 1 < first <= report.last:
        yield f"not judged  {_numbers([range(1, first)])}: before the first event of the period"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _numbers(ranges: list[range]) -> str:
    listed = [str(it.start) if len(it) == 1 else f"{it.start}-{it.stop - 1}" for it in ranges[:MOST_RANGES]]
    if len(ranges) > MOST_RANGES:
        listed.append(f"and {len(ranges) - MOST_RANGES:,} more ranges")
    return f"{', '.join(listed)} ({sum(map(len, ranges)):,})"
