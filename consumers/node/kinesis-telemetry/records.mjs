// The data of a record: decompression, and the aggregates of the Kinesis Producer Library.

import { createHash } from "node:crypto";
import zlib from "node:zlib";

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const AGGREGATE = Buffer.from([0xf3, 0x89, 0x9a, 0xc2]);
const CHECKSUM_BYTES = 16;

/** Largest record after decompression. The extension packs at most 4 MiB, or a single event of at most 10 MiB. */
export const MAX_INFLATED_BYTES = 16 * 1024 * 1024;
/** Most lines, or aggregated records, of one record. The extension packs at most 40,000. */
export const MAX_LINES = 50_000;

/** A record that cannot be read: damaged, or not written by the extension. */
export class BadRecord extends Error {}

/** An event whose value cannot be parsed. Its text and its identity are good. */
export class BadEvent extends BadRecord {}

const maxOutputLength = MAX_INFLATED_BYTES;
// Older Nodes, and the types of the oldest that is supported, have no Zstandard.
const { zstdDecompressSync, constants } = /** @type {any} */ (zlib);
const params = { [constants.ZSTD_d_windowLogMax]: Math.log2(MAX_INFLATED_BYTES) };

/**
 * The functions that decompress. Set `zstd` if Node has none of its own.
 *
 * @type {{ gzip: (data: Uint8Array) => Uint8Array, zstd: ((data: Uint8Array) => Uint8Array) | undefined }}
 */
export const decompressors = {
  gzip: (data) => zlib.gunzipSync(data, { maxOutputLength }),
  zstd: zstdDecompressSync && ((data) => zstdDecompressSync(data, { maxOutputLength, params })),
};

/**
 * Decompresses the data of a record, whose first bytes tell the compression. Other data is returned as it is.
 *
 * @param {Uint8Array} bytes
 * @returns {Uint8Array}
 */
export function inflate(bytes) {
  const data = asBuffer(bytes);
  const name = startsWith(data, GZIP) ? "gzip" : startsWith(data, ZSTD) ? "zstd" : undefined;
  if (name === undefined) return data;
  const decompress = decompressors[name];
  if (decompress === undefined) {
    throw new BadRecord("records with COMPRESSION=zstd need a Node that has zlib.zstdDecompressSync, or decompressors.zstd");
  }
  // A decompressor of the user's may have no bound, but the frame states its size.
  const stated = name === "zstd" ? contentSize(data) : undefined;
  const tooLarge = `it decompresses to more than ${MAX_INFLATED_BYTES} bytes`;
  if (stated > MAX_INFLATED_BYTES) throw new BadRecord(tooLarge);
  let inflated;
  try {
    inflated = asBuffer(decompress(data));
  } catch (error) {
    const reason = error.code === "ERR_BUFFER_TOO_LARGE" ? tooLarge : `it cannot be decompressed: ${error.message}`;
    throw new BadRecord(reason, { cause: error });
  }
  if (inflated.length > MAX_INFLATED_BYTES) throw new BadRecord(tooLarge);
  // Node's zstdDecompressSync returns the beginning of a frame that breaks off, and no error.
  if (inflated.length < (stated ?? 0)) throw new BadRecord("it cannot be decompressed: it breaks off");
  return inflated;
}

/**
 * Returns bytes as a Buffer. A Buffer is not copied.
 *
 * @returns {any} so that the package's types do not need those of Node
 */
export const asBuffer = (bytes) => (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes));

/** Returns the number of bytes that a Zstandard frame states as its content, if it does (RFC 8878, 3.1.1.1). */
function contentSize(frame) {
  if (frame.length < 18) return undefined;
  const descriptor = frame[4];
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3];
  switch (descriptor >> 6) {
    case 0:
      return isSingleSegment ? frame[at] : undefined;
    case 1:
      return frame.readUInt16LE(at) + 256;
    case 2:
      return frame.readUInt32LE(at);
    default:
      return Number(frame.readBigUInt64LE(at));
  }
}

/**
 * Returns the records inside an aggregate of the Kinesis Producer Library. Other data is returned as the only record.
 *
 * @param {Uint8Array} bytes
 * @returns {Uint8Array[]}
 */
export function deaggregate(bytes) {
  const data = asBuffer(bytes);
  if (!startsWith(data, AGGREGATE)) return [data];
  const message = data.subarray(AGGREGATE.length, -CHECKSUM_BYTES);
  const checksum = data.subarray(-CHECKSUM_BYTES);
  if (!createHash("md5").update(message).digest().equals(checksum)) {
    throw new BadRecord("the checksum of an aggregate is not that of its content");
  }
  const records = [];
  for (const [number, record] of fields(message)) {
    if (number === 3) records.push(record);
  }
  return records.map(dataOf);
}

function dataOf(record) {
  for (const [number, data] of fields(record)) {
    if (number === 3) return data;
  }
  return Buffer.alloc(0);
}

const startsWith = (data, magic) => data.subarray(0, magic.length).equals(magic);

/** Yields the numbers and values of a Protobuf message's fields, as far as aggregates have them. */
function* fields(message) {
  let count = 0;
  let at = 0;
  const varint = () => {
    let value = 0;
    // A 64-bit number has at most ten bytes of seven bits ("Encoding", Protobuf documentation).
    for (let length = 0; length < 10 && at < message.length; length += 1) {
      const byte = message[at++];
      value += (byte & 0x7f) * 128 ** length;
      if (byte < 0x80 && value < 2 ** 64) return value;
    }
    throw new BadRecord("an aggregate breaks off, or has a number of more than 64 bits");
  };
  while (at < message.length) {
    const [tag, value] = [varint(), varint()];
    const [type, number] = [tag % 8, Math.floor(tag / 8)];
    // Each record may come with a partition key of its own.
    count += 1;
    if (count > 2 * MAX_LINES) throw new BadRecord(`an aggregate holds more than ${2 * MAX_LINES} fields`);
    if (type === 0 && tag < 2 ** 32) {
      yield [number, undefined];
    } else if (type === 2 && tag < 2 ** 32 && at + value <= message.length) {
      yield [number, message.subarray(at, at + value)];
      at += value;
    } else {
      throw new BadRecord("an aggregate breaks off, or has an unknown type of field");
    }
  }
}
