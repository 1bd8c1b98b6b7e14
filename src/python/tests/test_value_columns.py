"""Values of one schema as typed columns: of Avro against the values that fastavro wrote, of Protobuf against known ones."""

from __future__ import annotations

import io
import json
import math
import struct
import uuid
from pathlib import Path
from typing import Any

import kseg as package
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from forge import framed, partition, schema_record
from support import KSEG, kseg, reads_protobuf, table
from test_avro import RECURSIVE, Maker, doubling, long

fastavro = pytest.importorskip("fastavro")

SCHEMAS, VALUES = 200, 40


def name_of(branch: Any) -> str:
    if isinstance(branch, str):
        return branch
    if "name" in branch:
        return ".".join(filter(None, [branch.get("namespace", ""), branch["name"]]))
    return str(branch["type"])


def typed(schema: Any, it: Any) -> Any:
    """What pyarrow has of a value."""
    if isinstance(schema, list):
        members = [branch for branch in schema if branch != "null"]
        if it is None:
            return None
        name, value = it
        if len(members) == 1:
            return typed(members[0], value)
        return {
            f"member{n}": typed(branch, value) if name_of(branch) == name else None
            for n, branch in enumerate(members)
        }
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind == "array":
        return [typed(schema["items"], item) for item in it]
    if kind == "map":
        return [(name, typed(schema["values"], value)) for name, value in it.items()]
    if kind == "record":
        return {field["name"]: typed(field["type"], it[field["name"]]) for field in schema["fields"]}
    if isinstance(schema, dict) and schema.get("logicalType") == "duration":
        return dict(zip(("months", "days", "millis"), struct.unpack("<III", it)))
    if isinstance(it, uuid.UUID):
        return str(it)
    return Number(it) if isinstance(it, float) else it


class Number(float):
    """A float that is equal to one with the same bits, as far as NaN has any."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, float):
            return False
        return math.isnan(other) if math.isnan(self) else struct.pack("<d", self) == struct.pack("<d", other)

    __hash__ = float.__hash__


def has_empty_record(schema: Any) -> bool:
    if isinstance(schema, list):
        return any(map(has_empty_record, schema))
    if not isinstance(schema, dict):
        return False
    if schema["type"] == "record":
        return not schema["fields"] or any(has_empty_record(field["type"]) for field in schema["fields"])
    return any(has_empty_record(schema.get(below)) for below in ("items", "values"))


def test_columns_are_what_fastavro_wrote(tmp_path: Path) -> None:
    schemas = {id_: Maker(id_).type(3) for id_ in range(1, SCHEMAS + 1)}
    records = [schema_record(id_, f"t{id_}-value", 1, json.dumps(kind[0])) for id_, kind in schemas.items()]
    partition(tmp_path / "data/_schemas-0", records)
    seen = 0
    for id_, (schema, make, _) in schemas.items():
        parsed = fastavro.parse_schema(json.loads(json.dumps(schema)))
        values = [make() for _ in range(VALUES)]
        rows: list[Any] = [(None, None, [])]
        for value in values:
            payload = io.BytesIO()
            fastavro.schemaless_writer(payload, parsed, value)
            rows.append((None, framed(id_, payload.getvalue()), []))
        folder = partition(tmp_path / f"data/t{id_}-0", rows)
        done = kseg("cat", "--format", "arrow", "--value-columns", id_, folder)
        if has_empty_record(schema):
            assert done.returncode == 2 and b"without fields" in done.stderr
            continue
        assert (done.returncode, done.stderr) == (0, b""), schema
        stream = table(done.stdout)
        expected = [None, *(typed(schema, value) for value in values)]
        assert expected == stream.column("value").to_pylist(), schema
        out = tmp_path / "out" / str(id_)
        done = kseg("export", "--format", "parquet", "--value-columns", f"t{id_}-value", "-o", out, folder)
        assert done.returncode == 0, done.stderr.decode()
        file = pq.read_table(out / f"t{id_}-0.parquet")
        file.validate(full=True)
        assert expected == file.column("value").to_pylist(), schema
        assert file.schema.field("value").type == stream.schema.field("value").type
        seen += 1
    assert seen > SCHEMAS * 0.8


def read(tmp_path: Path, schema: object, payloads: list[bytes], *args: object) -> tuple[list[Any], str]:
    partition(tmp_path / "data/t-0", [(None, payload, []) for payload in payloads])
    (tmp_path / "schema.avsc").write_text(json.dumps(schema))
    known = f"7={tmp_path / 'schema.avsc'}"
    done = kseg("cat", "--format", "arrow", "--schema", known, "--value-columns", "7", *args, tmp_path / "data/t-0")
    said = done.stderr.decode()
    return (table(done.stdout).column("value").to_pylist() if done.stdout else [], said)


def test_what_is_not_of_the_schema_is_null_and_counted(tmp_path: Path) -> None:
    schema = {"type": "record", "name": "r", "fields": [{"name": "a", "type": "long"}, {"name": "b", "type": "string"}]}
    good = framed(7, long(5) + b"\x04hi")
    others = [framed(8, long(5) + b"\x04hi"), framed(7, long(5) + b"\x08hi"), good + b"x", b"{}"]
    values, said = read(tmp_path, schema, [good, *others, good])
    assert values == [{"a": 5, "b": "hi"}, *[None] * 4, {"a": 5, "b": "hi"}]
    assert "4 values not of the schema of --value-columns, written as null" in said


def test_one_schema_reads_what_is_not_framed(tmp_path: Path) -> None:
    assert read(tmp_path, "long", [long(5), b"\0"], "--value-as", "avro") == ([5, 0], "")


@pytest.mark.parametrize(
    ("schema", "why"),
    [(RECURSIVE, "contains itself"), (doubling(40), "more than 10000 columns"), ("what", "not a valid Avro")],
    ids=["recursive", "doubling", "unknown"],
)
def test_schemas_that_make_no_columns_are_refused(tmp_path: Path, schema: object, why: str) -> None:
    if schema == "what":
        record = schema_record(7, "t-value", 1, '"what"')
        partition(tmp_path / "data/_schemas-0", [record])
        folder = partition(tmp_path / "data/t-0", [(None, b"x", [])])
        said = kseg("cat", "--format", "arrow", "--value-columns", "7", folder).stderr.decode()
    else:
        values, said = read(tmp_path, schema, [b"x"])
        assert values == []
    assert why in said


WIDE = {"type": "record", "name": "w", "fields": [{"name": f"f{n}", "type": ["null", "long"]} for n in range(2000)]}


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        ({"type": "array", "items": "null"}, long(2**62) + b"\0"),
        ({"type": "map", "values": "null"}, (long(2**30) + b"\0" * 2**20)),
        ({"type": "array", "items": ["null", WIDE]}, long(2**20) + b"\0" * 2**20),
        ("string", long(2**62)),
        ({"type": "fixed", "name": "f", "size": 2**40}, b"x"),
    ],
    ids=["nulls", "map", "wide", "string", "fixed"],
)
def test_bombs_are_refused(tmp_path: Path, schema: object, payload: bytes) -> None:
    values, said = read(tmp_path, schema, [framed(7, payload)])
    assert values == [None] and "1 value not of the schema" in said


def test_types(tmp_path: Path) -> None:
    fields: list[tuple[str, Any, pa.DataType]] = [
        ("i", {"type": "int", "logicalType": "date"}, pa.date32()),
        ("n", {"type": "long", "logicalType": "timestamp-nanos"}, pa.timestamp("ns", "UTC")),
        ("d", {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 2}, pa.decimal128(38, 2)),
        ("e", {"type": "bytes", "logicalType": "decimal", "precision": 39, "scale": 2}, pa.string()),
        ("m", {"type": "map", "values": "int"}, pa.map_(pa.string(), pa.int32())),
    ]
    schema = {"type": "record", "name": "r", "fields": [{"name": name, "type": kind} for name, kind, _ in fields]}
    payload = long(1) + long(2000) + b"\x02\x7b" + b"\x02\x7b" + b"\0"
    values, said = read(tmp_path, schema, [framed(7, payload)])
    assert said == "" and values[0]["e"] == "1.23"
    known = f"7={tmp_path / 'schema.avsc'}"
    done = kseg("cat", "--format", "arrow", "--schema", known, "--value-columns", "7", tmp_path / "data/t-0")
    kind = table(done.stdout).schema.field("value").type
    assert kind == pa.struct([(name, expected) for name, _, expected in fields])


def test_the_package_reads_typed_columns(tmp_path: Path) -> None:
    partition(tmp_path / "data/_schemas-0", [schema_record(7, "t-value", 1, '"long"')])
    folder = partition(tmp_path / "data/t-0", [(None, framed(7, long(5)), [])])
    assert package.read(folder, value_columns="t-value", binary=KSEG).read_all().column("value").to_pylist() == [5]


PROTO = """
syntax = "proto3";
import "google/protobuf/timestamp.proto";
enum State { NEW = 0; PAID = 1; }
message Order {
    message Item { string name = 1; uint32 count = 2; }
    int64 id = 1;
    string customer = 2;
    optional double weight = 3;
    repeated Item items = 4;
    map<string, sint32> stock = 5;
    State state = 6;
    bytes raw = 7;
    uint64 total = 8;
    google.protobuf.Timestamp at = 9;
    oneof paid { bool cash = 10; string card = 11; }
}
message Other { int32 n = 1; }
"""


def test_messages_are_columns(tmp_path: Path) -> None:
    if not reads_protobuf(tmp_path):
        pytest.skip("kseg was built without the feature protobuf")
    (tmp_path / "order.proto").write_text(PROTO)
    # By the table of wire types in Protobuf's "Encoding".
    full = b"".join(
        [
            b"\x08\x96\x01",
            b"\x12\x03Ada",
            b"\x19" + struct.pack("<d", 1.5),
            b"\x22\x05\x0a\x03pen",
            b"\x22\x02\x10\x07",
            b"\x2a\x05\x0a\x01b\x10\x03",
            b"\x2a\x05\x0a\x01a\x10\x02",
            b"\x30\x01",
            b"\x3a\x01\xff",
            b"\x40" + b"\xff" * 9 + b"\x01",
            b"\x4a\x02\x08\x05",
            b"\x5a\x01v",
        ]
    )
    empty = {"id": 0, "customer": "", "weight": None, "items": [], "stock": [], "state": "NEW", "raw": b"", "total": 0}
    empty |= {"at": None, "cash": None, "card": None}
    expected: list[Any] = [
        {
            "id": 150,
            "customer": "Ada",
            "weight": 1.5,
            "items": [{"name": "pen", "count": 0}, {"name": "", "count": 7}],
            "stock": [("a", 1), ("b", -2)],
            "state": "PAID",
            "raw": b"\xff",
            "total": 2**64 - 1,
            "at": {"seconds": 5, "nanos": 0},
            "cash": None,
            "card": "v",
        },
        empty,
        {**empty, "state": "7", "cash": False},
        None,
        None,
        None,
    ]
    other, broken = b"\x02\x02\x08\x05", b"\x00\x12\x05ab"
    payloads = [b"\x00" + full, b"\x00", b"\x00\x30\x07\x50\x00", other, broken]
    rows: list[Any] = [(None, framed(7, payload), []) for payload in payloads]
    folder = partition(tmp_path / "data/t-0", [*rows, (None, None, [])])
    options = ["--schema", f"7={tmp_path / 'order.proto'}", "--value-columns", "7"]
    done = kseg("cat", "--format", "arrow", *options, folder)
    assert b"2 values not of the schema" in done.stderr
    assert table(done.stdout).column("value").to_pylist() == expected
    assert kseg("export", "--format", "parquet", *options, "-o", tmp_path / "out", folder).returncode == 0
    file = pq.read_table(tmp_path / "out/t-0.parquet")
    assert file.column("value").to_pylist() == expected
    assert file.schema.field("value").type == table(done.stdout).schema.field("value").type
