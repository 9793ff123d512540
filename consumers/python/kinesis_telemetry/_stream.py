"""Reads the records of a stream with boto3."""

import datetime
import importlib
import os
import time
from collections.abc import Iterator
from typing import Any

PAUSE_SECONDS = 0.2
"""The time between two requests for one shard: a shard answers five a second, to all of its readers together."""


class Unreadable(Exception):
    """The stream cannot be read. The message says why, and what to do."""


class Stream:
    """A stream, by its name or its ARN."""

    def __init__(self, stream: str, region: str | None = None, endpoint_url: str | None = None) -> None:
        try:
            boto3: Any = importlib.import_module("boto3")
            self._exceptions: Any = importlib.import_module("botocore.exceptions")
            config: Any = importlib.import_module("botocore.config")
        except ImportError as error:
            message = f"reading a stream needs boto3 ({error}): pip install 'kinesis-telemetry-consumer[read]'"
            raise Unreadable(message) from error
        self.name = stream
        is_arn = stream.startswith("arn:")
        self._named = {"StreamARN" if is_arn else "StreamName": stream}
        if not region and is_arn and stream.count(":") >= 5:
            region = stream.split(":")[3]
        # boto3 itself reads AWS_DEFAULT_REGION and profiles.
        region = region or os.environ.get("AWS_REGION") or None
        # Throttling is an answer like any other where a stream has several readers.
        retries = config.Config(retries={"mode": "standard", "total_max_attempts": 10})
        try:
            self._kinesis: Any = boto3.client("kinesis", region_name=region, endpoint_url=endpoint_url, config=retries)
        except (self._exceptions.BotoCoreError, ValueError) as error:
            raise Unreadable(f"{error} Set --region or AWS_REGION.") from error

    def records(self, since: datetime.datetime | None = None) -> Iterator[tuple[str, bytes]]:
        """Yields the sequence number and the data of each record that arrived since a time, or that the stream still holds.

        It ends when all records are read that had arrived before it began. Raises Unreadable.
        """
        started = time.monotonic()
        try:
            for shard in list(self._shards()):
                yield from self._records_of(shard, since, started)
        except (self._exceptions.BotoCoreError, self._exceptions.ClientError) as error:
            raise Unreadable(f"the stream {self.name} cannot be read: {error}") from error

    def _shards(self) -> Iterator[str]:
        asked = self._named
        while True:
            page = self._kinesis.list_shards(**asked)
            yield from (shard["ShardId"] for shard in page["Shards"])
            if not page.get("NextToken"):
                return
            asked = {"NextToken": page["NextToken"]}

    def _records_of(self, shard: str, since: datetime.datetime | None, started: float) -> Iterator[tuple[str, bytes]]:
        start: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if since is not None:
            start = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": since}
        iterator = self._iterator(shard, start)
        while iterator is not None:
            try:
                page = self._kinesis.get_records(ShardIterator=iterator)
            except self._kinesis.exceptions.ExpiredIteratorException:
                # The caller paused for more than five minutes between two records.
                iterator = self._iterator(shard, start)
                continue
            for record in page["Records"]:
                yield record["SequenceNumber"], record["Data"]
                number = record["SequenceNumber"]
                start = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": number}
            if page.get("MillisBehindLatest", 0) <= (time.monotonic() - started) * 1_000:
                return
            iterator = page.get("NextShardIterator")
            time.sleep(PAUSE_SECONDS)

    def _iterator(self, shard: str, start: dict[str, Any]) -> str:
        iterator: str = self._kinesis.get_shard_iterator(**self._named, ShardId=shard, **start)["ShardIterator"]
        return iterator
