"""A Lambda function that reads the stream through an event source mapping with `ReportBatchItemFailures`.

Replace `store`. Lambda delivers at least once, and so does the extension: write each event under its identity, so that one
that comes twice replaces itself. Parts are stored as parts, because the others of an event may come in another batch;
join them when you read (docs/consuming.md, "Parts").
"""

import base64
import sys
from collections.abc import Callable

from kinesis_telemetry import BadRecord, Event, records_to_events


def store(events: list[Event]):
    """Stores events. If it raises an error, Lambda delivers the record and all records behind it again.

    If you use `event.value`, catch BadEvent for each event and store its text: a retry would find the same text.
    """
    for event in events:
        print(event.line)


def handler(store: Callable[[list[Event]], None]):
    """Returns a handler that stores the events of each record, and skips records that cannot be read."""

    def lambda_handler(event: dict, context) -> dict:
        for record in event["Records"]:
            number = record["kinesis"]["sequenceNumber"]
            try:
                events = records_to_events(base64.b64decode(record["kinesis"]["data"]))
            except BadRecord as error:
                # A retry would find the same bytes, and every record behind it in the shard would wait.
                print(f"record {number} was skipped: {error}", file=sys.stderr)
                continue
            try:
                store(events)
            except Exception as error:
                print(f"record {number} was not stored: {error!r}", file=sys.stderr)
                # Lambda continues with this record, so the records behind it come again in any case.
                return {"batchItemFailures": [{"itemIdentifier": number}]}
        return {"batchItemFailures": []}

    return lambda_handler


lambda_handler = handler(store)
