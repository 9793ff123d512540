"""The data of a record: decompression, and the aggregates of the Kinesis Producer Library."""

import hashlib
import importlib
import zlib
from collections.abc import Callable, Iterator
from typing import Any

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
AGGREGATE = b"\xf3\x89\x9a\xc2"
CHECKSUM_BYTES = 16

MAX_INFLATED_BYTES = 16 * 1024 * 1024
"""Largest record after decompression. The extension packs at most 4 MiB, or a single event of at most 10 MiB."""
MAX_LINES = 50_000
"""Most lines, or aggregated records, of one record. The extension packs at most 40,000."""


class BadRecord(ValueError):
    """A record that cannot be read: damaged, or not written by the extension."""


class BadEvent(BadRecord):
    """An event whose value cannot be parsed. Its text and its identity are good."""


def inflate(data: bytes) -> bytes:
    """Decompresses the data of a record, whose first bytes tell the compression. Other data is returned as it is."""
    if data.startswith(GZIP):
        inflated = _gunzip(data)
    elif data.startswith(ZSTD):
        inflated = _zstd()(data)
    else:
        return data
    if len(inflated) > MAX_INFLATED_BYTES:
        raise BadRecord(f"it decompresses to more than {MAX_INFLATED_BYTES} bytes")
    return inflated


def _gunzip(data: bytes) -> bytes:
    decompressor = zlib.decompressobj(wbits=31)
    try:
        inflated = decompressor.decompress(data, MAX_INFLATED_BYTES + 1)
    except zlib.error as error:
        raise BadRecord(f"it cannot be decompressed: {error}") from error
    return _whole(inflated, decompressor)


def _whole(inflated: bytes, decompressor: Any) -> bytes:
    if len(inflated) <= MAX_INFLATED_BYTES and (not decompressor.eof or decompressor.unused_data):
        raise BadRecord(f"it cannot be decompressed: {'bytes follow its end' if decompressor.eof else 'it breaks off'}")
    return inflated


def _zstd() -> Callable[[bytes], bytes]:
    """Returns a function that decompresses Zstandard with an installed module, to at most one byte above the limit."""
    for name in ("compression.zstd", "backports.zstd", "zstandard"):
        try:
            module: Any = importlib.import_module(name)
        except ImportError:
            continue

        def decompress(data: bytes) -> bytes:
            try:
                if name == "zstandard":
                    return _zstandard(module, data)
                window = {module.DecompressionParameter.window_log_max: MAX_INFLATED_BYTES.bit_length() - 1}
                decompressor = module.ZstdDecompressor(options=window)
                return _whole(decompressor.decompress(data, MAX_INFLATED_BYTES + 1), decompressor)
            except module.ZstdError as error:
                raise BadRecord(f"it cannot be decompressed: {error}") from error

        return decompress
    raise BadRecord("records with COMPRESSION=zstd need Python 3.14 or the package backports.zstd or zstandard")


def _zstandard(module: Any, data: bytes) -> bytes:
    # The one call that is bounded by the size of its output; without a stated size it allocates the bound.
    size = module.get_frame_parameters(data).content_size
    if MAX_INFLATED_BYTES < size < module.CONTENTSIZE_UNKNOWN:
        raise BadRecord(f"it decompresses to more than {MAX_INFLATED_BYTES} bytes")
    decompressor = module.ZstdDecompressor(max_window_size=MAX_INFLATED_BYTES)
    inflated: bytes = decompressor.decompress(data, max_output_size=MAX_INFLATED_BYTES, allow_extra_data=False)
    return inflated


def deaggregate(data: bytes) -> Iterator[bytes]:
    """Yields the records inside an aggregate of the Kinesis Producer Library. Other data is yielded as it is."""
    if not data.startswith(AGGREGATE):
        yield data
        return
    message, checksum = data[len(AGGREGATE) : -CHECKSUM_BYTES], data[-CHECKSUM_BYTES:]
    # MD5 is a checksum here, which stays available where policy forbids it for security.
    if hashlib.md5(message, usedforsecurity=False).digest() != checksum:
        raise BadRecord("the checksum of an aggregate is not that of its content")
    for number, record in _fields(message):
        if number == 3:
            yield next((value for number, value in _fields(record) if number == 3), b"")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields the numbers and values of a Protobuf message's fields, as far as aggregates have them."""
    at = count = 0
    while at < len(message):
        tag, at = _varint(message, at)
        value, at = _varint(message, at)
        count += 1
        # Each record may come with a partition key of its own.
        if count > 2 * MAX_LINES:
            raise BadRecord(f"an aggregate holds more than {2 * MAX_LINES} fields")
        if tag & 7 == 0 and tag < 1 << 32:
            yield tag >> 3, b""
        elif tag & 7 == 2 and tag < 1 << 32 and at + value <= len(message):
            yield tag >> 3, message[at : at + value]
            at += value
        else:
            raise BadRecord("an aggregate breaks off, or has an unknown type of field")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    # A 64-bit number has at most ten bytes of seven bits ("Encoding", Protobuf documentation).
    for shift, byte in zip(range(0, 70, 7), message[at : at + 10]):
        value |= (byte & 0x7F) << shift
        if byte < 0x80 and value < 1 << 64:
            return value, at + shift // 7 + 1
    raise BadRecord("an aggregate breaks off, or has a number of more than 64 bits")
