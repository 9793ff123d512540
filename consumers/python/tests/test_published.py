"""The de-aggregation library that AWS has published for Python (the package `aws_kinesis_agg`), on our aggregates."""

import base64
import importlib.util
import unittest

from kinesis_telemetry import deaggregate

from . import streams


@unittest.skipUnless(importlib.util.find_spec("aws_kinesis_agg"), "needs the package aws_kinesis_agg")
class Published(unittest.TestCase):
    def test_it_makes_the_same_records_of_our_aggregates_as_our_own_code(self):
        from aws_kinesis_agg.deaggregator import deaggregate_records

        aggregates = 0
        for stream in streams(format="kpl"):
            for data, key in zip(stream.records, stream.keys, strict=True):
                kinesis = {
                    "kinesisSchemaVersion": "1.0",
                    "sequenceNumber": "1",
                    "approximateArrivalTimestamp": 0,
                    "partitionKey": key,
                    "data": base64.b64encode(data).decode(),
                }
                theirs = [it["kinesis"] for it in deaggregate_records([{"kinesis": kinesis}])]
                self.assertEqual([base64.b64decode(it["data"]) for it in theirs], list(deaggregate(data)))
                self.assertEqual({it["partitionKey"] for it in theirs}, {key})
                aggregates += len(theirs) > 1
        self.assertGreater(aggregates, 10)
