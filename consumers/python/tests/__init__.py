"""The consumers against records that the extension has made. `cargo xtask test` runs them all; by hand:

    cargo run --package xtask-model --bin fixtures -- target/records
    RECORDS=../../target/records python3 -m unittest        (in the folder consumers/python)
"""

import base64
import dataclasses
import json
import os
import pathlib


@dataclasses.dataclass(frozen=True)
class Stream:
    """The records of one combination of settings, and the events that a consumer must read."""

    name: str
    expected: dict

    @property
    def records(self) -> list[bytes]:
        return [base64.b64decode(record["data"]) for record in self.expected["records"]]

    @property
    def keys(self) -> list[str]:
        return [record["key"] for record in self.expected["records"]]

    @property
    def events(self) -> dict[tuple[str, int], str]:
        """Texts by identity."""
        return {(event["instance"], event["seq"]): event["text"] for event in self.expected["events"]}


def streams(**wanted: str) -> list[Stream]:
    """All, or those with these settings: format, compression, envelope."""
    if "RECORDS" not in os.environ:
        raise RuntimeError("RECORDS must name the folder that xtask/model/src/bin/fixtures.rs has written")
    files = sorted(pathlib.Path(os.environ["RECORDS"]).glob("*.json"))
    all_of_them = [Stream(file.stem, json.loads(file.read_text(encoding="utf-8"))) for file in files]
    return [it for it in all_of_them if all(it.expected[name] == value for name, value in wanted.items())]
