"""Reads the hostile records that `xtask/model/src/bin/hostile.rs` has written, and prints what it describes.

    cargo run --package xtask-model --bin hostile -- write hostile.jsonl 1 1000
    python3 -m tests.hostile hostile.jsonl        (in the folder consumers/python)
"""

import base64
import json
import resource
import sys
import time

from kinesis_telemetry import BadRecord, Collector, records_to_events


def read(data: bytes) -> list:
    try:
        events = records_to_events(data, [])
    except BadRecord:
        return []
    collector = Collector()
    collector.add_events(events)
    for instance in collector.instances():
        collector.report(instance)
    for event in events:
        event.line.encode()
    return [[it.instance, it.seq, it.part, len(it.text.encode())] for it in events if it.instance is not None]


def main(file: str):
    with open(file, encoding="ascii") as lines:
        for line in lines:
            data = base64.b64decode(json.loads(line)["data"])
            began = time.process_time()
            events = read(data)
            print(json.dumps({"events": events, "seconds": time.process_time() - began}))
    print(json.dumps({"peakKiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


if __name__ == "__main__":
    main(sys.argv[1])
