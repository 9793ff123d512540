// Records that the extension has written, and the events that a consumer must read. `cargo xtask test` runs all tests; by hand:
//
//   cargo run --package xtask-model --bin fixtures -- target/records
//   RECORDS=../../target/records node --test tests/*.test.mjs        (in the folder consumers/node)

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { decompressors } from "kinesis-telemetry-consumer";

/** A package that is installed elsewhere: PACKAGES names the folder that has node_modules. */
export function installed(name) {
  const folder = process.env.PACKAGES;
  return folder === undefined ? undefined : createRequire(join(folder, "package.json"))(name);
}

// A Node without Zstandard gets one that is written in JavaScript.
const fzstd = installed("fzstd");
decompressors.zstd ??= fzstd && ((data) => fzstd.decompress(data));

/** All combinations of settings, or those with these: format, compression, envelope. */
export function streams(wanted = {}) {
  const folder = process.env.RECORDS;
  if (folder === undefined) throw new Error("RECORDS must name the folder that xtask/model/src/bin/fixtures.rs has written");
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, ...JSON.parse(readFileSync(join(folder, name), "utf8")) }))
    .filter((it) => Object.entries(wanted).every(([name, value]) => it[name] === value))
    .map((it) => ({
      ...it,
      keys: it.records.map(({ key }) => key),
      records: it.records.map(({ data }) => Buffer.from(data, "base64")),
    }));
}
