"""A record processor for the Kinesis Client Library, version 3 of its Python interface (the package `amazon_kclpy`).

The library de-aggregates KPL records, so each record here is an inner one. Replace `store`; it must not
write to stdout, over which the library's daemon and this process communicate.
"""

import os
import sys
import time
import traceback
from collections.abc import Callable

from kinesis_telemetry import BadRecord, Event, records_to_events

try:
    from amazon_kclpy.v3.processor import RecordProcessorBase
except ImportError:  # The tests use a stand-in.
    RecordProcessorBase = object

ATTEMPTS = 5


def store(events: list[Event]):
    """Stores events, each under its identity. If it keeps raising an error, the processor retries and then ends the process.

    If you use `event.value`, catch BadEvent for each event and store its text: a retry would find the same text.
    """
    for event in events:
        print(event.line, file=sys.stderr)


class RecordProcessor(RecordProcessorBase):
    """Stores the events of one shard."""

    version = 3

    def __init__(
        self,
        store: Callable[[list[Event]], None] = store,
        pause: Callable[[float], None] = time.sleep,
        end: Callable[[int], None] = os._exit,
    ):
        self._store, self._pause, self._end = store, pause, end
        self.shard = ""

    def initialize(self, initialize_input):
        self.shard = initialize_input.shard_id

    def process_records(self, process_records_input):
        for record in process_records_input.records:
            try:
                events = records_to_events(record.binary_data)
            except BadRecord as error:
                # A retry cannot succeed. Log the record and continue with the next one.
                self._say(f"record {record.sequence_number} cannot be read: {error}")
                continue
            self._try(lambda events=events: self._store(events))
        self._checkpoint(process_records_input.checkpointer)

    def lease_lost(self, lease_lost_input):
        """Another process has the shard, so this one must not checkpoint."""

    def shard_ended(self, shard_ended_input):
        self._checkpoint(shard_ended_input.checkpointer)

    def shutdown_requested(self, shutdown_requested_input):
        """Repeats the last checkpoint. Every batch was checkpointed when it was stored."""
        self._checkpoint(shutdown_requested_input.checkpointer)

    def _try(self, action: Callable[[], None]):
        """Retries an action, and ends the process if it keeps failing. The library would skip the records of an exception, so
        none is raised: without a checkpoint, the next process starts with the same records."""
        for attempt in range(ATTEMPTS):
            try:
                return action()
            except Exception:
                self._say(traceback.format_exc())
                self._pause(2**attempt)
        self._say("this process ends, so that no record is skipped")
        self._end(1)

    def _checkpoint(self, checkpointer):
        for attempt in range(ATTEMPTS):
            try:
                return checkpointer.checkpoint()
            except Exception as error:
                # `ShutdownException`: another process has the shard. With any error, stored events may arrive again.
                self._say(f"no checkpoint: {error!r}")
                if getattr(error, "value", "") != "ThrottlingException":
                    return
                self._pause(2**attempt)

    def _say(self, text: str):
        print(f"{self.shard}: {text}", file=sys.stderr)


if __name__ == "__main__":
    from amazon_kclpy import kcl

    kcl.KCLProcess(RecordProcessor()).run()
