"""Every case whose records a real consumer has read, as columns."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
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
