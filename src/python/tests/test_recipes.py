"""The recipes of the guide, where their tools are installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from forge import partition
from support import KSEG, kseg as run

import kseg


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KSEG", KSEG)
    partition(tmp_path / "data/orders-0", [(b"k", b'{"city":"Oslo"}', []), (None, None, [("h", b"1")])])
    partition(tmp_path / "data/orders-1", [(b"k", b'{"city":"Lima"}', [])])
    done = run("export", "--format", "parquet", "-o", tmp_path / "out", tmp_path / "data")
    assert done.returncode == 0, done.stderr.decode()
    return tmp_path


def test_duckdb(data: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    files = f"'{data}/out/*.parquet'"
    totals = f"select topic, partition, count(*), sum(octet_length(value)) from {files} group by all order by all"
    assert duckdb.sql(totals).fetchall() == [("orders", 0, 2, 15), ("orders", 1, 1, 15)]
    cities = f"select json_extract_string(decode(value), '$.city') c, count(*) from {files} group by all order by c nulls last"
    assert duckdb.sql(cities).fetchall() == [("Lima", 1), ("Oslo", 1), (None, 1)]
    orders = kseg.read(data / "data", topic="orders")  # noqa: F841
    latest = 'select partition, max("offset") from orders group by all order by all'
    assert duckdb.sql(latest).fetchall() == [(0, 1), (1, 0)]


def test_pandas(data: Path) -> None:
    pytest.importorskip("pandas")
    frame = kseg.read(data / "data").read_pandas()
    assert list(frame["offset"]) == [0, 1, 0]


def test_polars(data: Path) -> None:
    pl = pytest.importorskip("polars")
    assert pl.from_arrow(kseg.read(data / "data").read_all())["offset"].to_list() == [0, 1, 0]
    lazy = pl.scan_parquet(f"{data}/out/orders-*.parquet").filter(pl.col("offset") > 0)
    assert lazy.collect()["headers"].to_list() == [[{"key": "h", "value": b"1"}]]
