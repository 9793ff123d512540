"""`python -m kinesis_telemetry read STREAM`: the events of a stream, or a report about them."""

import argparse
import datetime
import os
import re
import sys
from collections.abc import Sequence

from . import _terminal
from ._report import Summary
from ._stream import Stream, Unreadable
from .lines import BadLine
from .records import BadRecord

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
MISSING, FAILED, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 0, 1 if a report finds that events are missing, or 2 if the stream cannot be read."""
    options = _parser().parse_args(arguments)
    try:
        return _read(options)
    except Unreadable as error:
        _say(f"error: {error}")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough. Python would report the same error once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kinesis_telemetry", description="Reads telemetry from a Kinesis data stream.")
    read = parser.add_subparsers(metavar="COMMAND", required=True).add_parser(
        "read",
        help="print the events of a stream as lines of JSON, or a report about them",
        description="Prints each event that the stream holds once, as a line of JSON. All events are kept in memory.",
        epilog="Exit status: 0; 1 if a report finds that events are missing; 2 if the stream cannot be read.",
    )
    read.add_argument("stream", metavar="STREAM", help="name or ARN of the stream")
    read.add_argument("--report", action="store_true", help="print which events are missing, and no events")
    read.add_argument("--since", type=_since, help="read what arrived since then: 30s, 5m, 2h, 1d, or a time of RFC 3339")
    read.add_argument("--region", help="region of the stream, if neither its ARN nor the environment says it")
    read.add_argument("--endpoint-url", metavar="URL", help="endpoint of Kinesis, for emulators")
    return parser


def _since(text: str) -> datetime.datetime:
    now = datetime.datetime.now(datetime.UTC)
    try:
        if ago := re.fullmatch(r"(\d{1,9})([smhd])", text, re.ASCII):
            return now - datetime.timedelta(**{UNITS[ago[2]]: int(ago[1])})
        time = datetime.datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError("set a duration (30s, 5m, 2h, 1d) or a time (2026-11-29T12:00:00Z)") from error
    return time if time.tzinfo else time.replace(tzinfo=datetime.UTC)


def _read(options: argparse.Namespace) -> int:
    summary = Summary(options.since)
    stream = Stream(options.stream, options.region, options.endpoint_url)
    for number, data in stream.records(options.since):
        bad_lines: list[BadLine] = []
        try:
            events = summary.add(data, bad_lines)
        except BadRecord as error:
            _say(f"record {number} was skipped: {error}")
            continue
        if bad_lines:
            first = bad_lines[0]
            _say(f"unreadable lines of record {number}: {len(bad_lines)}; the first is line {first.number}: {first.reason}")
        if not options.report:
            for event in events:
                print(_terminal.json(event.line))
    if not options.report:
        return 0
    for line in summary.lines():
        print(line)
    return MISSING if summary.missing() else 0


def _say(text: str) -> None:
    print(_terminal.plain(text), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
