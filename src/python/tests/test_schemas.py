"""`kseg schemas`: what a registry has, what uses it, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

from forge import framed, partition, schema_record
from support import kseg


def test_usage_and_problems(tmp_path: Path) -> None:
    data = tmp_path / "data"
    gone = (b'{"keytype":"SCHEMA","subject":"old-value","version":1,"magic":1}', None, [])
    partition(
        data / "_schemas-0",
        [
            schema_record(1, "orders-value", 1, '"long"'),
            schema_record(2, "old-value", 1, '"int"'),
            gone,
            schema_record(3, "clicks-value", 1, '"int"'),
            schema_record(3, "other-value", 1, '"long"'),
        ],
    )
    partition(data / "orders-0", [(b"k", framed(1, b"\2"), []), (None, None, [])])
    partition(data / "orders-1", [(b"k", framed(9, b"\2"), [])])
    # Not framed: some values do not begin like that.
    partition(data / "longs-0", [(None, framed(77, b"xxx"), []), (None, b"\1" * 8, []), (None, framed(1, b"x"), [])])
    done = kseg("schemas", "--usage", "--format", "ndjson", data)
    assert done.returncode == 1, done.stderr.decode()
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    schemas = {(it["subject"], it["id"]): it for it in rows if it["schema"] == "kseg.registered_schema/1"}
    assert schemas["orders-value", 1]["used_by"] == ["orders-value"]
    assert schemas["old-value", 2]["deleted"]
    problems = {it["id"]: it["problem"] for it in rows if it["schema"] == "kseg.schema_problem/1"}
    assert problems == {3: "several-texts", 9: "undefined"}


def test_an_id_with_several_texts_is_read_by_the_subject_of_the_topic(tmp_path: Path) -> None:
    data = tmp_path / "data"
    partition(data / "_schemas-0", [schema_record(3, "t-value", 1, '"int"'), schema_record(3, "u-value", 1, '"string"')])
    for topic in ("t", "u", "v"):
        partition(data / f"{topic}-0", [(None, framed(3, b"\2a"), [])])
    args = ("cat", "--format", "ndjson", "--value-as", "avro", "--topic", "t,u,v", data)
    shown = [json.loads(line)["value"] for line in kseg(*args).stdout.splitlines()]
    assert shown[0]["error"] == "schema 3: not a value of its schema: bytes follow it"
    assert shown[1] == "a"
    assert shown[2]["error"] == "schema id 3 has several schemas"
