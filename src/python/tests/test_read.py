"""`kseg.read`, `kseg.records` and `kseg.verify`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Iterator

import pyarrow as pa
import pytest
from forge import batch, partition
from support import KSEG

import kseg

STAMP = 1_700_000_000_000


@pytest.fixture(autouse=True)
def binary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KSEG", KSEG)


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    rows = [(b"k%d" % n, b"v%d" % n, [("h", b"x")]) for n in range(1000)]
    partition(tmp_path / "data/orders-0", rows, at_once=100)
    partition(tmp_path / "data/orders-1", rows[:10])
    partition(tmp_path / "data/clicks-0", [(None, None, [])])
    yield tmp_path / "data"


def damaged(data: Path, flipped: int = 0x5A) -> Path:
    log = data / "orders-0/00000000000000000000.log"
    bytes_ = bytearray(log.read_bytes())
    bytes_[len(batch(0, [(b"k", b"v", [])])) + 4000] ^= flipped
    log.write_bytes(bytes_)
    return data / "orders-0"


def test_a_reader_has_the_columns_of_sparks_kafka_source(data: Path) -> None:
    reader = kseg.read(data, topic="orders")
    assert isinstance(reader, pa.RecordBatchReader)
    assert reader.schema.names == ["key", "value", "topic", "partition", "offset", "timestamp", "timestampType", "headers"]
    assert all(field.nullable for field in reader.schema)
    assert reader.read_all().num_rows == 1010
    assert "codec" in kseg.read([data / "orders-0"], columns="all").schema.names


def test_options_choose_records(data: Path) -> None:
    def count(**options: object) -> int:
        return int(kseg.read(data, **options).read_all().num_rows)  # type: ignore[arg-type]

    assert count(topic=["orders", "clicks"], partition="0") == 1001
    assert count(topic="orders", partition=0, offset="5..7") == 2
    assert count(key="k5") == 2
    assert count(topic="orders", limit=3) == 3
    since = dt.datetime.fromtimestamp(STAMP / 1000, dt.timezone.utc)
    assert count(since=since) == 1011
    assert count(since=since + dt.timedelta(milliseconds=1)) == 0
    assert count(until="2000-01-01") == 0
    with pytest.raises(ValueError, match="without a zone"):
        kseg.read(data, since=dt.datetime(2026, 1, 1))
    assert kseg.read(data, topic="orders", values="none").read_all().column("value").null_count == 1010


def test_records_are_those_of_kafka_python(data: Path) -> None:
    record = next(kseg.records(data / "orders-0", offset="7.."))
    assert record == kseg.ConsumerRecord(
        topic="orders",
        partition=0,
        leader_epoch=0,
        offset=7,
        timestamp=STAMP,
        timestamp_type=0,
        key=b"k7",
        value=b"v7",
        headers=[("h", b"x")],
        checksum=None,
        serialized_key_size=2,
        serialized_value_size=2,
        serialized_header_size=2,
    )
    null = next(kseg.records(data / "clicks-0"))
    assert (null.key, null.serialized_value_size, null.serialized_header_size) == (None, -1, -1)


def test_damage_is_raised_or_salvaged(data: Path) -> None:
    path = damaged(data)
    batches = []
    with pytest.raises(kseg.Damaged, match="stopped there"):
        for it in kseg.read(path):
            batches.append(it)
    rows = sum(it.num_rows for it in batches)
    assert 0 < rows < 900
    with pytest.warns(UserWarning, match="position"):
        assert kseg.read(path, salvage=True).read_all().num_rows == 900
    codes = {finding.code for finding in kseg.verify(path)}
    assert "B101" in codes


def test_a_flipped_bit_is_turned_back_by_salvage(data: Path) -> None:
    whole = kseg.read(data / "orders-0").read_all()
    path = damaged(data, flipped=1)
    with pytest.warns(UserWarning, match="corrected"):
        assert kseg.read(path, salvage=True).read_all() == whole


def test_what_cannot_be_done_says_why(data: Path) -> None:
    with pytest.raises(kseg.KsegError, match="nothing-here"):
        kseg.read(data / "nothing-here")
    with pytest.raises(kseg.KsegError, match="--offset"):
        kseg.read(data, offset="x")


def test_a_reader_that_is_dropped_ends_its_process(data: Path) -> None:
    import subprocess

    for _ in range(3):
        next(kseg.records(data / "orders-0"))
    children = subprocess.run(["ps", "--ppid", str(__import__("os").getpid()), "-o", "comm="], capture_output=True, text=True)
    assert "kseg" not in children.stdout
