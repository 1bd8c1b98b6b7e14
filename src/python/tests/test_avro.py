"""Values by schemas, against fastavro: random schemas of every type, and random values of each."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
import math
import random
import struct
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any, Callable

import pytest
from forge import framed, partition, schema_record
from support import kseg, reads_protobuf

fastavro = pytest.importorskip("fastavro")

SCHEMAS, VALUES = 200, 500
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)

# A type: its schema, what makes a value, and what kseg shows of one.
Kind = tuple[Any, Callable[[], Any], Callable[[Any], Any]]


def binary(data: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(data).decode()}


class Maker:
    """Makes types, from a seed."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)
        self.names = 0

    def name(self) -> str:
        self.names += 1
        return f"n{self.names}"

    def text(self) -> str:
        letters = 'ab"\\/\n\t\x01é京😀 ' + "xyz" * 3
        return "".join(self.r.choice(letters) for _ in range(self.r.randint(0, 12)))

    def data(self, most: int = 20) -> bytes:
        return self.r.randbytes(self.r.randint(0, most))

    def integer(self, bits: int) -> int:
        number = self.r.getrandbits(self.r.randint(1, bits - 1))
        return number if self.r.random() < 0.5 else -number - 1

    def double(self) -> float:
        return self.r.choice([0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, 1e300, self.r.gauss(0, 1e6)])

    def time(self) -> dt.datetime:
        return EPOCH + dt.timedelta(microseconds=self.r.randint(-(10**15), 4 * 10**15))

    def type(self, depth: int, named: bool = True) -> Kind:
        makers = [*self.primitives(), *self.logical()]
        if depth > 0:
            makers += [self.array, self.map, self.union, self.record] * 4
        if named:
            makers += [self.enum, self.fixed]
        it = self.r.choice(makers)
        return it(depth) if it in (self.array, self.map, self.union, self.record) else it()

    def primitives(self) -> list[Callable[[], Kind]]:
        same: Callable[[Any], Any] = lambda it: it
        return [
            lambda: ("null", lambda: None, same),
            lambda: ("boolean", lambda: self.r.random() < 0.5, same),
            lambda: ("int", lambda: self.integer(32), same),
            lambda: ("long", lambda: self.integer(64), same),
            lambda: ("float", lambda: struct.unpack("f", struct.pack("f", min(self.double(), 1e30)))[0], Float),
            lambda: ("double", self.double, Double),
            lambda: ("bytes", self.data, binary),
            lambda: ("string", self.text, same),
        ]

    def logical(self) -> list[Callable[[], Kind]]:
        def of(base: Any, name: str, **more: Any) -> Any:
            return {**({"type": base} if isinstance(base, str) else base), "logicalType": name, **more}

        def clock(digits: int) -> Callable[[], dt.time]:
            def make() -> dt.time:
                it = self.time()
                return it.time().replace(microsecond=it.microsecond // 10 ** (6 - digits) * 10 ** (6 - digits))

            return make

        def moment(digits: int, zone: bool) -> Callable[[], dt.datetime]:
            def make() -> dt.datetime:
                it = self.time()
                it = it.replace(microsecond=it.microsecond // 10 ** (6 - digits) * 10 ** (6 - digits))
                return it if zone else it.replace(tzinfo=None)

            return make

        def shown(digits: int, end: str) -> Callable[[dt.datetime], str]:
            unit = {3: "milliseconds", 6: "microseconds"}[digits]
            return lambda it: it.replace(tzinfo=None).isoformat(timespec=unit) + end

        scale = self.r.randint(0, 6)
        decimal: Callable[[], Decimal] = lambda: Decimal(self.integer(90)).scaleb(-scale)
        plain: Callable[[Decimal], str] = lambda it: f"{it:f}"
        return [
            lambda: (of("bytes", "decimal", precision=28, scale=scale), decimal, plain),
            lambda: (
                {"type": "fixed", "name": self.name(), "size": 13, "logicalType": "decimal", "precision": 28, "scale": scale},
                decimal,
                plain,
            ),
            lambda: (of("int", "date"), lambda: self.time().date(), dt.date.isoformat),
            lambda: (of("int", "time-millis"), clock(3), lambda it: it.isoformat(timespec="milliseconds")),
            lambda: (of("long", "time-micros"), clock(6), lambda it: it.isoformat(timespec="microseconds")),
            lambda: (of("long", "timestamp-millis"), moment(3, True), shown(3, "Z")),
            lambda: (of("long", "timestamp-micros"), moment(6, True), shown(6, "Z")),
            lambda: (of("long", "local-timestamp-millis"), moment(3, False), shown(3, "")),
            lambda: (of("long", "local-timestamp-micros"), moment(6, False), shown(6, "")),
            lambda: (of("string", "uuid"), lambda: uuid.UUID(int=self.r.getrandbits(128)), str),
            lambda: (
                {"type": "fixed", "name": self.name(), "size": 12, "logicalType": "duration"},
                lambda: self.r.randbytes(12),
                lambda it: dict(zip(("months", "days", "millis"), struct.unpack("<III", it))),
            ),
        ]

    def enum(self) -> Kind:
        symbols = [f"S{n}" for n in range(self.r.randint(1, 5))]
        schema = {"type": "enum", "name": self.name(), "namespace": "a.b", "symbols": symbols}
        return schema, lambda: self.r.choice(symbols), lambda it: it

    def fixed(self) -> Kind:
        size = self.r.randint(0, 9)
        return {"type": "fixed", "name": self.name(), "size": size}, lambda: self.r.randbytes(size), binary

    def array(self, depth: int) -> Kind:
        item, make, show = self.type(depth - 1)
        count = lambda: range(self.r.choice([0, 1, 2, 5]))
        return {"type": "array", "items": item}, lambda: [make() for _ in count()], lambda it: [show(x) for x in it]

    def map(self, depth: int) -> Kind:
        value, make, show = self.type(depth - 1)
        count = lambda: range(self.r.choice([0, 1, 3]))
        return (
            {"type": "map", "values": value},
            lambda: {self.text() + str(n): make() for n in count()},
            lambda it: {name: show(x) for name, x in it.items()},
        )

    def union(self, depth: int) -> Kind:
        branches: dict[str, Kind] = {"null": ("null", lambda: None, lambda it: it)}
        for _ in range(self.r.randint(1, 4)):
            kind = self.type(depth - 1)
            if isinstance(kind[0], list):
                continue
            name = kind[0] if isinstance(kind[0], str) else kind[0].get("type")
            if isinstance(kind[0], dict) and "name" in kind[0]:
                name = ".".join(filter(None, [kind[0].get("namespace", ""), kind[0]["name"]]))
            branches.setdefault(name, kind)

        def make() -> Any:
            name = self.r.choice(list(branches))
            return None if name == "null" else (name, branches[name][1]())

        show = lambda it: None if it is None else branches[it[0]][2](it[1])
        return [kind[0] for kind in branches.values()], make, show

    def record(self, depth: int) -> Kind:
        fields = {f"f{n}": self.type(depth - 1) for n in range(self.r.randint(0, 5))}
        schema = {
            "type": "record",
            "name": self.name(),
            "fields": [{"name": name, "type": kind[0]} for name, kind in fields.items()],
        }
        return (
            schema,
            lambda: {name: kind[1]() for name, kind in fields.items()},
            lambda it: {name: kind[2](it[name]) for name, kind in fields.items()},
        )


class Double(float):
    """A float that is equal to what is shown of it."""

    form = "<d"

    def __eq__(self, shown: object) -> bool:
        if isinstance(shown, str):
            shown = {"inf": math.inf, "-inf": -math.inf, "NaN": math.nan}[shown]
        if math.isnan(self):
            return isinstance(shown, float) and math.isnan(shown)
        return isinstance(shown, (int, float)) and struct.pack(self.form, self) == struct.pack(self.form, shown)

    __hash__ = float.__hash__


class Float(Double):
    form = "<f"


def test_values_are_those_that_fastavro_wrote(tmp_path: Path) -> None:
    records, schemas, expected = [], [], []
    for id_ in range(1, SCHEMAS + 1):
        schema, make, show = Maker(id_).type(3)
        parsed = fastavro.parse_schema(json.loads(json.dumps(schema)))
        schemas.append(schema_record(id_, f"t{id_}-value", 1, json.dumps(schema)))
        for _ in range(VALUES):
            value = make()
            payload = io.BytesIO()
            fastavro.schemaless_writer(payload, parsed, value)
            records.append((None, framed(id_, payload.getvalue()), []))
            expected.append((id_, show(value)))
    partition(tmp_path / "data/t-0", records)
    partition(tmp_path / "data/_schemas-0", schemas)
    done = kseg("cat", "--format", "ndjson", "--topic", "t", tmp_path / "data")
    assert done.returncode == 0, done.stderr.decode()
    lines = done.stdout.splitlines()
    assert len(lines) == len(expected) == SCHEMAS * VALUES
    for line, (id_, value) in zip(lines, expected):
        shown = json.loads(line)
        assert shown["value_schema"] == {"id": id_, "subject": f"t{id_}-value", "version": 1}
        assert value == shown["value"], (id_, line)


def read(tmp_path: Path, schema: object, payload: bytes, *args: str) -> dict[str, Any]:
    partition(tmp_path / "data/t-0", [(None, framed(7, payload), [])])
    (tmp_path / "schema.avsc").write_text(json.dumps(schema))
    known = f"7={tmp_path / 'schema.avsc'}"
    done = kseg("cat", "--format", "ndjson", "--schema", known, "--value-as", "avro", *args, tmp_path / "data/t-0")
    assert done.returncode == 0, done.stderr.decode()
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def long(number: int) -> bytes:
    number = number << 1 ^ number >> 63
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


RECURSIVE = {"type": "record", "name": "r", "fields": [{"name": "next", "type": ["null", "r"]}]}
WIDE = {"type": "record", "name": "w", "fields": [{"name": "n" * 1000 + str(n), "type": "null"} for n in range(50)]}


def doubling(depth: int) -> Any:
    """A record of two records of two records …: 2^depth values in no byte at all."""
    kind: Any = "null"
    for n in range(depth):
        kind = {
            "type": "record",
            "name": f"d{n}",
            "fields": [{"name": "a", "type": kind}, {"name": "b", "type": kind if isinstance(kind, str) else kind["name"]}],
        }
    return kind


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        ({"type": "array", "items": "null"}, long(2**62) + b"\0"),
        ({"type": "array", "items": {"type": "record", "name": "e", "fields": []}}, long(2**62) + b"\0"),
        ({"type": "array", "items": WIDE}, long(2**40) + b"\0"),
        ({"type": "map", "values": "null"}, long(2**62)),
        (RECURSIVE, long(1) * 100_000 + b"\0"),
        ({"type": "record", "name": "s", "fields": [{"name": "s", "type": "s"}]}, b""),
        (doubling(40), b""),
        ("string", long(2**62)),
        ({"type": "fixed", "name": "f", "size": 2**40}, b"x"),
        ("long", b"\xff" * 11),
    ],
    ids=["nulls", "empties", "wide", "map", "deep", "self", "doubling", "string", "fixed", "varint"],
)
def test_bombs_are_refused(tmp_path: Path, schema: object, payload: bytes) -> None:
    shown = read(tmp_path, schema, payload)
    assert shown["value"]["base64"] == base64.b64encode(framed(7, payload)).decode()
    assert shown["value"]["error"].startswith("schema 7: ")


def test_blocks_may_have_their_size(tmp_path: Path) -> None:
    shown = read(tmp_path, {"type": "array", "items": "long"}, long(-2) + long(2) + long(1) + long(2) + b"\0")
    assert shown["value"] == [1, 2]


def test_nanoseconds_and_years_that_no_calendar_has(tmp_path: Path) -> None:
    nanos = {"type": "long", "logicalType": "timestamp-nanos"}
    days = {"type": "int", "logicalType": "date"}
    schema = {"type": "record", "name": "r", "fields": [{"name": "a", "type": nanos}, {"name": "b", "type": days}]}
    assert read(tmp_path, schema, long(1) + long(2_000_000_000))["value"] == {
        "a": "1970-01-01T00:00:00.000000001Z",
        "b": 2_000_000_000,
    }


def test_one_schema_reads_what_is_not_framed(tmp_path: Path) -> None:
    partition(tmp_path / "data/t-0", [(None, long(5), []), (None, b"\0", [])])
    (tmp_path / "schema.avsc").write_text('"long"')
    known = f"7={tmp_path / 'schema.avsc'}"
    args = ("--schema", known, "--value-as", "avro", tmp_path / "data/t-0")
    done = kseg("cat", "--format", "ndjson", *args)
    assert [json.loads(line)["value"] for line in done.stdout.splitlines()] == [5, 0]


MESSAGE = """syntax = "proto3";
message M { int32 n = 1; string text = 2; }
message Outer { message Inner { int32 x = 1; } }
"""


def test_references_ids_in_headers_json_and_protobuf(tmp_path: Path) -> None:
    named = reads_protobuf(tmp_path)
    address = {"type": "record", "name": "Address", "namespace": "a", "fields": [{"name": "city", "type": "string"}]}
    order = {"type": "record", "name": "Order", "namespace": "a", "fields": [{"name": "to", "type": "Address"}]}
    guid = bytes(range(16))
    partition(
        tmp_path / "data/_schemas-0",
        [
            schema_record(1, "address", 1, json.dumps(address)),
            schema_record(2, "t-value", 1, json.dumps(order), references=[{"name": "a.Address", "subject": "address", "version": 1}]),
            schema_record(3, "t-value", 2, '"string"', md5=base64.b64encode(guid).decode()),
            schema_record(4, "t-value", 3, "{}", schemaType="JSON"),
            schema_record(5, "t-value", 4, MESSAGE, schemaType="PROTOBUF", md5=base64.b64encode(guid[::-1]).decode()),
        ],
    )
    partition(
        tmp_path / "data/t-0",
        [
            (None, framed(2, b"\x08Oslo"), []),
            (None, b"\x08Lima", [("__value_schema_id", b"\x01" + guid)]),
            (None, framed(4, b'{"a": 1}'), []),
            (None, framed(5, b"\0\x08\x07\x12\x02hi"), []),
            (None, framed(5, b"\x04\x02\x00\x08\x07"), []),
            (None, b"\x08\x07", [("__value_schema_id", b"\x01" + guid[::-1])]),
            (None, framed(9, b"x"), []),
            (framed(3, b"\x02k"), None, []),
        ],
    )
    done = kseg("cat", "--format", "ndjson", "--topic", "t", tmp_path / "data")
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [it["value"] for it in shown] == [
        {"to": {"city": "Oslo"}},
        "Lima",
        {"a": 1},
        *([{"n": 7, "text": "hi"}, {"x": 7}, {"n": 7, "text": ""}] if named else [{"1": 7, "2": "hi"}, {"1": 7}, {"1": 7}]),
        "\0\0\0\0\tx",
        None,
    ]
    assert [it.get("value_schema", {}).get("id") for it in shown] == [2, 3, 4, 5, 5, 5, None, None]
    assert (shown[7]["key"], shown[7]["key_schema"]["version"]) == ("k", 2)
    plain = kseg("cat", "--format", "ndjson", "--no-decode", "--topic", "t", tmp_path / "data")
    assert "value_schema" not in json.loads(plain.stdout.splitlines()[0])
