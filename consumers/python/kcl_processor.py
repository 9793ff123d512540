"""A record processor for the Kinesis Client Library, version 3 of its Python interface (the package `amazon_kclpy`).

The library takes aggregates apart by itself, so each record here is one of those inside. Replace `store`; it must not
write to stdout, on which the library's daemon and this process talk.
"""

import os
import sys
import time
import traceback
from collections.abc import Callable

from kinesis_telemetry import BadRecord, Event, records_to_events

try:
    from amazon_kclpy.v3.processor import RecordProcessorBase
except ImportError:  # Where it is tested with a stand-in.
    RecordProcessorBase = object

ATTEMPTS = 5


def store(events: list[Event]):
    """Stores events, each under its identity. An error is tried again, and ends the process in the end.

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
                # It will not get better: say so, and let nothing wait behind it.
                self._say(f"record {record.sequence_number} cannot be read: {error}")
                continue
            self._try(lambda events=events: self._store(events))
        self._checkpoint(process_records_input.checkpointer)

    def lease_lost(self, lease_lost_input):
        """Another process has the shard: nothing may be checkpointed any more."""

    def shard_ended(self, shard_ended_input):
        self._checkpoint(shard_ended_input.checkpointer)

    def shutdown_requested(self, shutdown_requested_input):
        """Every batch was checkpointed when it was stored; this repeats the last one."""
        self._checkpoint(shutdown_requested_input.checkpointer)

    def _try(self, action: Callable[[], None]):
        """The library passes over whatever is raised here, and over the records with it. So nothing is raised: without a
        checkpoint the process that comes after this one begins with them again."""
        for attempt in range(ATTEMPTS):
            try:
                return action()
            except Exception:
                self._say(traceback.format_exc())
                self._pause(2**attempt)
        self._say("this process ends, so that nothing is passed over")
        self._end(1)

    def _checkpoint(self, checkpointer):
        for attempt in range(ATTEMPTS):
            try:
                return checkpointer.checkpoint()
            except Exception as error:
                # `ShutdownException`: the shard is another's by now. Whatever it is, what was stored may come again.
                self._say(f"no checkpoint: {error!r}")
                if getattr(error, "value", "") != "ThrottlingException":
                    return
                self._pause(2**attempt)

    def _say(self, text: str):
        print(f"{self.shard}: {text}", file=sys.stderr)


if __name__ == "__main__":
    from amazon_kclpy import kcl

    kcl.KCLProcess(RecordProcessor()).run()
