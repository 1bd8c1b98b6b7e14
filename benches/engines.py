#!/usr/bin/env python3
"""Measures what engines pay for records: an Arrow stream against NDJSON in pyarrow, Parquet, and values by an Avro schema.

  benches/engines.py [--kseg PATH] [--runs N] [--avro N] [PARTITION]...

  PARTITION    folders with segments, such as `cargo bench --bench segments -- --out orders-0/00000000000000000000.log` writes
  --kseg PATH  the binary (target/dist/kseg)
  --runs N     how often each is run; the fastest counts (3)
  --avro N     how many values of 85 bytes are read by a schema (1000000); 0: none

Times are seconds of processor, of kseg (one thread, unless -j2) and of Python together, and the seconds that passed; the peak of memory is
that of kseg. It needs pyarrow, and for --avro fastavro, and writes to temporary folders.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Callable, NamedTuple

import pyarrow as pa
import pyarrow.json

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src/python/tests"))

SCHEMA = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "customer", "type": "string"},
        {"name": "city", "type": ["null", "string"]},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}},
        {"name": "placed", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID", "SHIPPED"]}},
        {"name": "items", "type": {"type": "array", "items": "string"}},
        {"name": "weight", "type": "double"},
    ],
}


class Cost(NamedTuple):
    seconds: float
    passed: float
    peak_mib: float
    rows: int


def cost(kseg: list[str], read: Callable[[subprocess.Popen[bytes]], int]) -> Cost:
    """What it costs to run kseg and to read what it prints."""
    start, begun = time.process_time(), time.perf_counter()
    process = subprocess.Popen(kseg, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    rows = read(process)
    assert process.stdout is not None
    process.stdout.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, kseg
    seconds = time.process_time() - start + used.ru_utime + used.ru_stime
    return Cost(seconds, time.perf_counter() - begun, used.ru_maxrss / 1024, rows)


def arrow(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    return sum(batch.num_rows for batch in pa.ipc.open_stream(process.stdout))


def ndjson(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    return pyarrow.json.read_json(process.stdout).num_rows


def objects(process: subprocess.Popen[bytes]) -> int:
    """As who has no schema reads lines: json.loads and from_pylist, some at a time."""
    assert process.stdout is not None
    rows, lines = 0, []
    for line in process.stdout:
        lines.append(json.loads(line))
        if len(lines) == 1 << 14:
            rows += pa.RecordBatch.from_pylist(lines).num_rows
            lines = []
    return rows + (pa.RecordBatch.from_pylist(lines).num_rows if lines else 0)


def drained(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    while process.stdout.read(1 << 20):
        pass
    return 0


def avro(folder: Path, count: int) -> int:
    """Writes a log dir with values of a schema. Returns the bytes of the values."""
    import fastavro
    from forge import framed, partition, schema_record

    parsed = fastavro.parse_schema(json.loads(json.dumps(SCHEMA)))
    partition(folder / "_schemas-0", [schema_record(7, "orders-value", 1, json.dumps(SCHEMA))])
    # A thousand different ones: to make them takes longer than to read them.
    values = []
    for n in range(1000):
        payload = io.BytesIO()
        order = {
            "id": n << 20,
            "customer": f"customer-{n:05}",
            "city": None if n % 4 == 0 else "Reykjavík",
            "amount": Decimal(n * 137 % 100_000).scaleb(-2),
            "placed": 1_700_000_000_000 + n,
            "state": ["NEW", "PAID", "SHIPPED"][n % 3],
            "items": [f"item-{n % 97}-{it}" for it in range(n % 7)],
            "weight": n / 7,
        }
        fastavro.schemaless_writer(payload, parsed, order)
        values.append(framed(7, payload.getvalue()))
    rows = [(None, value, ()) for value in values]
    folder = partition(folder / "orders-0", rows)
    log = folder / "00000000000000000000.log"
    # The same batches again: only their base offsets differ, which no checksum covers.
    batches = log.read_bytes()
    with open(log, "wb") as out:
        for base in range(0, count, len(values)):
            again, at = bytearray(batches), 0
            while at < len(again):
                own = int.from_bytes(again[at : at + 8], "big")
                again[at : at + 8] = (base + own).to_bytes(8, "big")
                at += 12 + int.from_bytes(again[at + 8 : at + 12], "big")
            out.write(again)
    return sum(map(len, values)) * -(-count // len(values))


def show(name: str, found: list[Cost], size: int | None = None, count: int | None = None) -> Cost:
    best = min(found)
    passed = min(it.passed for it in found)
    rate = f"{size / best.seconds / 1e6:8.0f} MB/s" if size else " " * 13
    values = f"{count / best.seconds / 1e6:7.2f} M values/s" if count else ""
    print(f"  {name:44} {best.seconds:7.2f} s {passed:7.2f} s passed {rate} {best.peak_mib:6.0f} MiB {values}")
    return best


def main() -> None:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("partitions", nargs="*", type=Path)
    parser.add_argument("--kseg", default=str(ROOT / "target/dist/kseg"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--avro", type=int, default=1_000_000)
    args = parser.parse_args()
    pa.set_cpu_count(1)
    runs = range(args.runs)
    sizes = {folder: sum(log.stat().st_size for log in folder.glob("*.log")) for folder in args.partitions}
    # First what Python does not read: a process that is started counts the memory of the one that starts it.
    for folder, size in sizes.items():
        print(f"{folder}: {size} bytes of segments")
        with tempfile.TemporaryDirectory() as out:
            for jobs, codec in (("-j1", "zstd"), ("-j2", "zstd"), ("-j1", "snappy")):
                export = [args.kseg, "export", jobs, "--format", "parquet", "--compress", codec]
                found = [cost([*export, "-o", f"{out}/{codec}{jobs}{n}", str(folder)], drained) for n in runs]
                show(f"export {jobs} --format parquet --compress {codec}", found, size)
        show("cat --format arrow", [cost([*cat(args.kseg, folder), "arrow"], drained) for _ in runs], size)
    if args.avro:
        with tempfile.TemporaryDirectory() as scratch:
            size = avro(Path(scratch), args.avro)
            print(f"{args.avro} values by an Avro schema, {size / args.avro:.0f} bytes each")
            for options in (["ndjson", "--no-decode"], ["ndjson"], ["arrow"], ["arrow", "--value-columns", "7"]):
                command = [*cat(args.kseg, Path(scratch, "orders-0")), *options]
                found = [cost(command, drained) for _ in runs]
                show("cat --format " + " ".join(options), found, size, args.avro)
    for folder, size in sizes.items():
        print(f"{folder}, read by pyarrow")
        best = show("cat --format arrow", [cost([*cat(args.kseg, folder), "arrow"], arrow) for _ in runs], size)
        for name, read in (("json.loads", objects), ("read_json", ndjson)):
            other = show(f"cat --format ndjson, {name}", [cost([*cat(args.kseg, folder), "ndjson"], read)], size)
            assert other.rows == best.rows
            print(f"    {other.seconds / best.seconds:.1f} times as much")


def cat(kseg: str, folder: Path) -> list[str]:
    return [kseg, "cat", "-j1", str(folder), "--format"]


if __name__ == "__main__":
    main()
