"""Puts a dead letter into a queue, as the extension writes it (docs/consuming.md, "Dead letters").

    python3 letter.py QUEUE_URL STREAM_ARN
"""

import json
import os
import sys

import botocore.session


def main(queue, stream):
    source = {"function": "orders", "version": "1", "instance": "lateletter01", "seq": 1}
    event = {"time": "2026-11-22T20:00:00.000Z", "type": "function", "record": "too late", "source": source}
    attributes = {
        "Stream": stream,
        "PartitionKey": "lateletter01",
        "Record": "lateletter01-1-1-00000000",
        "Encoding": "text",
        "Piece": "1",
        "Pieces": "1",
    }
    values = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    session = botocore.session.get_session()
    sqs = session.create_client("sqs", os.environ["AWS_REGION"], endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    body = json.dumps(event, separators=(",", ":")) + "\n"
    sqs.send_message(QueueUrl=queue, MessageBody=body, MessageAttributes=values)


main(*sys.argv[1:])
