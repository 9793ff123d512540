"""A Lambda function that transforms the records of a Firehose stream to NDJSON, one line per event, each with its `source`.

It is needed for COMPRESSION=gzip or zstd, and for ENVELOPE=record, whose lines S3 would keep without their identity.
Uncompressed records with ENVELOPE=event need no transformation.
"""

import base64
import sys

from kinesis_telemetry import BadRecord, records_to_events

RESPONSE_BYTES = 6_000_000
"""The largest size of the data. Lambda allows a response of 6 MiB; the rest is for the JSON around the data."""
AROUND = 300
"""Bytes of JSON around the data of a record, its id included."""


def lambda_handler(event: dict, context) -> dict:
    """Transforms the records of a batch. A record that would make the response too large is marked as failed, so Firehose
    stores it unchanged under its error prefix."""
    records = event["records"]
    used = sum(len(record["data"]) + AROUND for record in records)
    answers = []
    for record in records:
        answer = transformed(record)
        used_then = used + len(answer["data"]) - len(record["data"])
        if used_then > RESPONSE_BYTES:
            print(f"record {record['recordId']} does not fit in the response", file=sys.stderr)
            answer = failed(record)
        else:
            used = used_then
        answers.append(answer)
    return {"records": answers}


def transformed(record: dict) -> dict:
    """Returns one record as Firehose expects it. A line that cannot be read is left out, and a warning names it."""
    try:
        events = records_to_events(base64.b64decode(record["data"]))
    except BadRecord as error:
        print(f"record {record['recordId']} cannot be read: {error}", file=sys.stderr)
        return failed(record)
    data = "".join(event.line + "\n" for event in events).encode()
    return {"recordId": record["recordId"], "result": "Ok", "data": base64.b64encode(data).decode()}


def failed(record: dict) -> dict:
    """Returns the answer for a record that was not transformed."""
    return {"recordId": record["recordId"], "result": "ProcessingFailed", "data": record["data"]}
