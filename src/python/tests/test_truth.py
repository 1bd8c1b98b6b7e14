"""Every case whose records a real consumer has read, as columns."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support import cases, decoded, kseg, rows, stamp, table, truth

# What the reader of a disk sees otherwise, whatever the format.
ELSEWHERE = {
    "sarama-1.15.none": "offsets that the consumer passed over, because they go back",
    "raw-magic-0": "a record that is broken, of which the consumer made something",
    "raw-magic-1": "the same",
    "raw-offsets": "an offset that two records have",
}


def name(case: Path) -> str:
    return f"{case.parent.name}/{case.name}"


def arrow(*args: object) -> pa.Table:
    done = kseg("cat", "--format", "arrow", "--no-decode", *args)
    assert done.returncode in (0, 1), done.stderr.decode()
    return table(done.stdout)


@pytest.mark.parametrize("case", list(cases()), ids=name)
def test_arrow_holds_what_a_consumer_got(case: Path) -> None:
    if case.name in ELSEWHERE:
        pytest.skip(ELSEWHERE[case.name])
    # Of two nodes each has its replica.
    nodes = [*case.glob("files/node[0-9]*")] or [case / "files"]
    for got in (rows(arrow("-j2", node)) for node in nodes):
        for partition, expected in truth(case).items():
            records = got.get(partition)
            if records is None:
                assert len(nodes) > 1
                continue
            # What was deleted meanwhile, or lies in tiered storage, is not on the disk; and of what the disk still has below
            # the log start a consumer got nothing.
            start = max(records[0][0], expected[0][0])
            end = expected[-1][0]
            on_disk = [it for it in records if start <= it[0] <= end]
            assert on_disk == [it for it in expected if it[0] >= start], partition


@pytest.mark.parametrize("case", list(cases()), ids=name)
def test_arrow_holds_what_ndjson_shows(case: Path) -> None:
    options = ("--salvage", "--control")
    lines = kseg("cat", "--format", "ndjson", "--no-decode", "--bytes", "base64", *options, case / "files")
    expected: dict[tuple[str, int], list[object]] = {}
    for line in lines.stdout.splitlines():
        it = json.loads(line)
        expected.setdefault((it["topic"], it["partition"]), []).append(
            (
                it["offset"],
                stamp(it["timestamp"]),
                it["timestamp_type"],
                of(it["key"]),
                of(it["value"]),
                [(key(header["key"]), of(header["value"])) for header in it["headers"]],
            )
        )
    got = arrow(*options, "--columns", "all", "-j3", case / "files")
    assert rows(got) == expected


@pytest.mark.parametrize("case", list(cases()), ids=name)
def test_parquet_holds_what_arrow_does(case: Path, tmp_path: Path) -> None:
    options = ("--no-decode", "--salvage", "--control", "--columns", "all")
    nodes = [*case.glob("files/node[0-9]*")] or [case / "files"]
    for node in nodes:
        stream = arrow(*options[1:], node)
        folder = tmp_path / node.name
        # Internal topics are exported where they are named.
        done = kseg("export", "--format", "parquet", "--topic", "*,__*", *options, "-o", folder, node)
        assert done.returncode in (0, 1), done.stderr.decode()
        files = sorted(folder.glob("*.parquet"))
        read = pa.concat_tables(pq.read_table(it) for it in files)
        read.validate(full=True)
        order = [("topic", "ascending"), ("partition", "ascending"), ("position", "ascending"), ("offset", "ascending")]
        stream = stream.replace_schema_metadata(None)
        read = read.replace_schema_metadata(None)
        assert read.schema == stream.schema
        # Offsets that go back stay in the order of the file, which a sort by position alone keeps.
        assert rows(read) == rows(stream)
        assert read.sort_by(order).equals(stream.sort_by(order)), case
        same_by_others(files, stream)


def same_by_others(files: list[Path], stream: pa.Table) -> None:
    """DuckDB and polars read the same rows."""
    totals = (stream.num_rows, sum(len(it) for it in stream.column("value").to_pylist() if it))
    try:
        import duckdb
    except ImportError:
        pass
    else:
        query = f"select count(*), coalesce(sum(octet_length(value)), 0), count(headers) from read_parquet({list(map(str, files))})"
        assert duckdb.sql(query).fetchall() == [(*totals, stream.num_rows)]
    try:
        import polars as pl
    except ImportError:
        pass
    else:
        frame = pl.read_parquet(files)
        assert (frame.height, frame["value"].bin.size().sum()) == totals
        assert frame["offset"].to_list() == pl.from_arrow(pa.concat_tables([pq.read_table(it) for it in files]))["offset"].to_list()


def key(shown: object) -> str:
    if isinstance(shown, str):
        return shown
    bytes_ = of(shown)
    assert bytes_ is not None
    return bytes_.decode(errors="replace")


def of(shown: object) -> bytes | None:
    if isinstance(shown, dict):
        return decoded(shown["base64"])
    assert shown is None
    return None


def test_there_is_something_to_compare() -> None:
    assert len(list(cases())) > 0
