"""Turns the records of a stream into the events that Lambda generated, byte for byte.

docs/consuming.md of kinesis-telemetry-extension describes the format. Records with COMPRESSION=zstd need Python 3.14, or one
of the packages `backports.zstd` and `zstandard`.

Any function that may write to the stream can write any bytes. A record that cannot be read raises `BadRecord` and nothing
else; a line that cannot be read costs only itself. Limits (`MAX_…`) bound time and memory for every input.
"""

from .collector import Collector, Report
from .lines import BadLine, Event, lines_to_events, records_to_events
from .records import BadEvent, BadRecord, deaggregate, inflate

__all__ = [
    "BadEvent",
    "BadLine",
    "BadRecord",
    "Collector",
    "Event",
    "Report",
    "deaggregate",
    "inflate",
    "lines_to_events",
    "records_to_events",
]
