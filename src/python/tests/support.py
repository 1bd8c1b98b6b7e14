"""What the tests share: the binary, and the corpus if there is one."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Iterator

import pyarrow as pa

ROOT = Path(__file__).parents[3]
KSEG = os.environ.get("KSEG", str(ROOT / "target/debug/kseg"))
CORPUS = Path(os.environ.get("KSEG_CORPUS", "/nonexistent"))
TESTDATA = ROOT / "testdata"


def reads_protobuf(folder: Path) -> bool:
    """Whether the binary has the feature `protobuf`: it refuses a schema otherwise."""
    schema = folder / "any.proto"
    schema.write_text('syntax = "proto3"; message M { int32 n = 1; }')
    done = kseg("cat", "--schema", f"1={schema}", folder / "nothing-here")
    return b"without the feature" not in done.stderr


def kseg(*args: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([KSEG, *map(str, args)], capture_output=True, check=False)


def table(stream: bytes) -> pa.Table:
    read: pa.Table = pa.ipc.open_stream(stream).read_all()
    read.validate(full=True)
    return read


def cases() -> Iterator[Path]:
    """Every case whose records a real consumer has read."""
    for root in (CORPUS, TESTDATA):
        if root.is_dir():
            yield from sorted(truth.parent for truth in root.glob("*/*/truth.ndjson"))


def truth(case: Path) -> dict[tuple[str, int], list[Any]]:
    """What the consumer got of each partition, in the order of the offsets."""
    records: dict[tuple[str, int], list[Any]] = {}
    for line in (case / "truth.ndjson").read_text().splitlines():
        it = json.loads(line)
        if "offset" in it:
            records.setdefault((it["topic"], it["partition"]), []).append(
                (
                    it["offset"],
                    stamp(it["timestamp"]),
                    it["timestampType"],
                    decoded(it["key"]),
                    decoded(it["value"]),
                    [(key, decoded(value)) for key, value in it["headers"]],
                )
            )
    return records


def stamp(millis: int) -> int:
    """The timestamp that a column of microseconds can hold; null, -1 here, if none."""
    return millis if abs(millis) * 1000 < 2**63 else -1


def decoded(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


TYPES = {-1: "NoTimestampType", 0: "CreateTime", 1: "LogAppendTime"}


def rows(read: pa.Table) -> dict[tuple[str, int], list[Any]]:
    """The rows of a table in the same form; timestamps that are null are -1."""
    stamps = read.column("timestamp").cast(pa.int64()).to_pylist()
    records: dict[tuple[str, int], list[Any]] = {}
    for row, stamp in zip(read.drop(["timestamp"]).to_pylist(), stamps, strict=True):
        records.setdefault((row["topic"], row["partition"]), []).append(
            (
                row["offset"],
                -1 if stamp is None else stamp // 1000,
                TYPES[row["timestampType"]],
                row["key"],
                row["value"],
                [(it["key"], it["value"]) for it in row["headers"]],
            )
        )
    return records
