"""Records as Arrow batches, and as objects."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Iterable, Iterator, Literal, NamedTuple, Union

import pyarrow as pa

from ._binary import Damaged, Process

StrPath = Union[str, "os.PathLike[str]"]
Time = Union[str, int, datetime]


class ConsumerRecord(NamedTuple):
    """A record, with the fields of kafka-python's ``ConsumerRecord``."""

    topic: str | None
    partition: int | None
    leader_epoch: int | None
    offset: int
    #: Milliseconds since 1970; -1 if there is none.
    timestamp: int
    #: 0: given by the producer; 1: given by the broker; -1: none.
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    #: Consumers no longer get one.
    checksum: None
    #: -1: null.
    serialized_key_size: int
    serialized_value_size: int
    serialized_header_size: int


@dataclass(frozen=True)
class Query:
    """What is asked for, as options of ``kseg cat``."""

    args: list[str] = field(default_factory=list)
    salvage: bool = False

    @staticmethod
    def of(
        paths: StrPath | Iterable[StrPath],
        *,
        topic: str | Iterable[str] | None = None,
        partition: int | str | None = None,
        offset: str | None = None,
        since: Time | None = None,
        until: Time | None = None,
        key: str | None = None,
        columns: Literal["spark", "all"] = "spark",
        committed: bool = False,
        control: bool = False,
        salvage: bool = False,
        decode: bool = True,
        values: Literal["full", "none"] = "full",
        value_columns: int | str | None = None,
        limit: int | None = None,
        jobs: int | None = None,
    ) -> Query:
        args = ["cat", "--format", "arrow", "--columns", columns]
        topics = [topic] if isinstance(topic, str) else (topic or [])
        for name, value in [
            *(("--topic", it) for it in topics),
            ("--partition", partition),
            ("--offset", offset),
            ("--since", _time(since)),
            ("--until", _time(until)),
            ("--key", key),
            ("--value-columns", value_columns),
            ("--limit", limit),
            ("--jobs", jobs),
        ]:
            if value is not None:
                args.append(f"{name}={value}")
        for name, given in [
            ("--committed", committed),
            ("--control", control),
            ("--salvage", salvage),
            ("--no-decode", not decode),
            ("--values=none", values == "none"),
        ]:
            if given:
                args.append(name)
        if isinstance(paths, (str, os.PathLike)):
            paths = [paths]
        return Query([*args, "--", *(os.fspath(path) for path in paths)], salvage)

    def batches(self, binary: str | None = None) -> Iterator[pa.RecordBatch | pa.Schema]:
        """The schema, and then the batches."""
        with Process(self.args, binary) as process:
            try:
                stream = pa.ipc.open_stream(process.out)
            except pa.ArrowInvalid:
                # It ended before there was a schema, and says why.
                process.finish()
                raise
            yield stream.schema
            yield from stream
            if process.finish() == 0:
                return
            if not self.salvage:
                raise Damaged(process.said())
            warnings.warn(process.said(), stacklevel=3)


def _time(time: Time | None) -> str | int | None:
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise ValueError("a time without a zone may mean any of 26 hours: give tzinfo")
        return time.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    return time


def read(
    paths: StrPath | Iterable[StrPath],
    *,
    topic: str | Iterable[str] | None = None,
    partition: int | str | None = None,
    offset: str | None = None,
    since: Time | None = None,
    until: Time | None = None,
    key: str | None = None,
    columns: Literal["spark", "all"] = "spark",
    committed: bool = False,
    control: bool = False,
    salvage: bool = False,
    decode: bool = True,
    values: Literal["full", "none"] = "full",
    value_columns: int | str | None = None,
    limit: int | None = None,
    jobs: int | None = None,
    binary: str | None = None,
) -> pa.RecordBatchReader:
    """Reads the records of log dirs, partitions or segments as Arrow batches, of which few are in memory at a time.

    The columns are those of Spark's Kafka source; ``columns="all"`` appends kseg's own. The options are those of ``kseg
    cat``: ``offset="184902..184910"``, ``partition="0..4"``, ``since="2h"`` or a datetime.

    With ``value_columns``, the id or the subject of a schema in the log dir's ``_schemas-0``, values are a typed column.

    The reader raises Damaged where damage is met, after the records before it; with ``salvage=True`` it continues after the
    damage and warns at the end. It raises KsegError where a file cannot be read.
    """
    query = Query.of(
        paths,
        topic=topic,
        partition=partition,
        offset=offset,
        since=since,
        until=until,
        key=key,
        columns=columns,
        committed=committed,
        control=control,
        salvage=salvage,
        decode=decode,
        values=values,
        value_columns=value_columns,
        limit=limit,
        jobs=jobs,
    )
    batches = query.batches(binary)
    schema = next(batches)
    return pa.RecordBatchReader.from_batches(schema, batches)


def records(
    paths: StrPath | Iterable[StrPath],
    *,
    topic: str | Iterable[str] | None = None,
    partition: int | str | None = None,
    offset: str | None = None,
    since: Time | None = None,
    until: Time | None = None,
    key: str | None = None,
    committed: bool = False,
    control: bool = False,
    salvage: bool = False,
    decode: bool = True,
    limit: int | None = None,
    jobs: int | None = None,
    binary: str | None = None,
) -> Iterator[ConsumerRecord]:
    """Yields the records one by one, as kafka-python's consumer does. The options are those of :func:`read`."""
    query = Query.of(
        paths,
        topic=topic,
        partition=partition,
        offset=offset,
        since=since,
        until=until,
        key=key,
        columns="all",
        committed=committed,
        control=control,
        salvage=salvage,
        decode=decode,
        limit=limit,
        jobs=jobs,
    )
    batches = query.batches(binary)
    next(batches)
    for batch in batches:
        yield from _records(batch)


def _records(batch: pa.RecordBatch) -> Iterator[ConsumerRecord]:
    stamps = batch.column("timestamp").cast(pa.int64()).to_pylist()
    names = ("topic", "partition", "leaderEpoch", "offset", "timestampType", "key", "value", "headers")
    columns = [batch.column(name).to_pylist() for name in names]
    for stamp, *row in zip(stamps, *columns):
        topic, partition, epoch, offset, kind, key, value, headers = row
        pairs = [(header["key"], header["value"]) for header in headers]
        yield ConsumerRecord(
            topic=topic,
            partition=partition,
            leader_epoch=epoch,
            offset=offset,
            timestamp=-1 if stamp is None else stamp // 1000,
            timestamp_type=kind,
            key=key,
            value=value,
            headers=pairs,
            checksum=None,
            serialized_key_size=-1 if key is None else len(key),
            serialized_value_size=-1 if value is None else len(value),
            serialized_header_size=(
                sum(len(name.encode()) + len(it or b"") for name, it in pairs) if pairs else -1
            ),
        )
