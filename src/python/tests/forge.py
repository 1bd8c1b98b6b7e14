"""Segments as a broker writes them, for tests: batches of magic 2, not compressed."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Iterable, Sequence

Record = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes]]]

TRANSACTIONAL, CONTROL = 0x10, 0x20

TABLE = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
    TABLE.append(n)


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def varint(number: int) -> bytes:
    number = (number << 1 ^ number >> 63) & (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def part(data: bytes | None) -> bytes:
    return varint(-1) if data is None else varint(len(data)) + data


def batch(
    base: int, records: Sequence[Record], timestamp: int = 1_700_000_000_000, attributes: int = 0, producer: int = -1
) -> bytes:
    rows = bytearray()
    for delta, (key, value, headers) in enumerate(records):
        row = b"\0" + varint(0) + varint(delta) + part(key) + part(value) + varint(len(headers))
        for name, it in headers:
            row += part(name.encode()) + part(it)
        rows += varint(len(row)) + row
    last = len(records) - 1
    # A producer without a transaction has no id, no epoch and no sequence; markers have no sequence.
    epoch = sequence = -1 if producer == -1 else 0
    if attributes & CONTROL:
        sequence = -1
    numbers = attributes, last, timestamp, timestamp, producer, epoch, sequence, len(records)
    body = struct.pack(">hiqqqhii", *numbers) + rows
    head = struct.pack(">qiibI", base, len(body) + 9, 0, 2, crc32c(body))
    return head + body


def marker(base: int, producer: int, commit: bool) -> bytes:
    """The control batch that ends a transaction."""
    record = struct.pack(">hh", 0, int(commit)), struct.pack(">hi", 0, 0), ()
    return batch(base, [record], attributes=TRANSACTIONAL | CONTROL, producer=producer)


def partition(folder: Path, records: Iterable[Record], at_once: int = 500) -> Path:
    """Writes a partition of one segment."""
    folder.mkdir(parents=True)
    rows = list(records)
    with open(folder / "00000000000000000000.log", "wb") as log:
        for base in range(0, len(rows), at_once):
            log.write(batch(base, rows[base : base + at_once]))
    return folder


def index(folder: Path) -> None:
    """Writes the offset index of a partition of one segment: an entry a batch, but not of the first."""
    log = (folder / "00000000000000000000.log").read_bytes()
    entries, at = bytearray(), 0
    while at < len(log):
        base, length = struct.unpack_from(">qi", log, at)
        (last,) = struct.unpack_from(">i", log, at + 23)
        if at > 0:
            entries += struct.pack(">ii", base + last, at)
        at += 12 + length
    (folder / "00000000000000000000.index").write_bytes(entries)


def schema_record(id_: int, subject: str, version: int, text: str, **more: object) -> Record:
    """A record of the topic of a schema registry."""
    key = {"keytype": "SCHEMA", "subject": subject, "version": version, "magic": 1}
    value = {"subject": subject, "version": version, "id": id_, "schema": text, "deleted": False}
    return json.dumps(key).encode(), json.dumps({**value, **more}).encode(), []


def framed(id_: int, payload: bytes) -> bytes:
    return b"\0" + struct.pack(">i", id_) + payload
