"""A data source for Spark 4: ``spark.read.format("kseg")``.

A partition of the data frame is a segment, or with ``splitBytes`` a part of one. The columns are those of Spark's Kafka source.

========== ==================================================================================================
option     meaning
========== ==================================================================================================
path       log dirs, partitions or globs of them, separated by commas; ``load(path)`` sets it
topic      names or patterns, separated by commas
partition  ``3``, ``0..4``
offset     ``184902..184910``
since      as ``kseg cat --since``; also ``until``
committed  ``true``: what a read_committed consumer gets
mode       at damage: ``failfast`` fails the task (the default), ``permissive`` continues after it with what can be read,
           ``dropmalformed`` stops there without a word, as if the segment ended
columns    ``spark`` or ``all``
values     ``none``: no values, for jobs that only count
splitBytes size of a task's part of a segment, such as ``64MiB``
pushdown   ``true``: take over the filters of a query in Spark 4.1 to 4.3 too; see below
binary     path of the binary on driver and executors; or a name shipped by ``spark.files``
========== ==================================================================================================

Where ``spark.sql.python.filterPushdown.enabled`` is true, filters on topic, partition and offset are taken over, and filters on
timestamp leave out segments that are too old. Spark 4.1 to 4.3 keep what was taken over in the data frame: a second query on
the same frame, or a union of two queries on it, reads what the filters of another query left. With these versions filters are
therefore taken over only with the option ``pushdown``; give each query a frame of its own then (``load()`` again). The
options topic, partition, offset and since select just as much, in every version.
"""

from __future__ import annotations

import glob
import json
import os
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Sequence

from pyspark.sql.datasource import (
    DataSource,
    DataSourceReader,
    EqualTo,
    Filter,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    InputPartition,
    LessThan,
    LessThanOrEqual,
)

from ._binary import Damaged, KsegError, find_binary, run
from ._read import Query

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql.types import StructType

SCHEMA = """key binary, value binary, topic string, partition int, offset bigint, timestamp timestamp, timestampType int,
headers array<struct<key: string, value: binary>>"""

OWN = """, leaderEpoch int, producerId bigint, producerEpoch smallint, sequence int, transactional boolean, control boolean,
batchOffset bigint, position bigint, codec string, file string"""

MODES = ("failfast", "permissive", "dropmalformed")


@dataclass
class Split(InputPartition):
    """Offsets of a partition or segment; to its end if there is none."""

    path: str
    first: int
    end: int | None

    def __init__(self, path: str, first: int, end: int | None) -> None:
        self.path, self.first, self.end = path, first, end
        super().__init__(f"{path} {self.offsets}")

    @property
    def offsets(self) -> str:
        return f"{self.first}..{'' if self.end is None else self.end}"


class KsegDataSource(DataSource):
    """The data source."""

    @classmethod
    def name(cls) -> str:
        return "kseg"

    def schema(self) -> str:
        columns = self.options.get("columns", "spark")
        if columns not in ("spark", "all"):
            raise ValueError(f'columns: "{columns}" is not one of spark, all')
        return SCHEMA + (OWN if columns == "all" else "")

    def reader(self, schema: StructType) -> KsegReader:
        return KsegReader(dict(self.options))


class KsegReader(DataSourceReader):
    """Plans on the driver and reads on executors. Options arrive in lower case."""

    def __init__(self, options: dict[str, str]) -> None:
        self.options = {name.lower(): value for name, value in options.items()}
        self.mode = self.options.get("mode", "failfast").lower()
        if self.mode not in MODES:
            raise ValueError(f'mode: "{self.mode}" is not one of {", ".join(MODES)}')
        if not self.options.get("path"):
            raise ValueError("path: give log dirs or partitions")
        self.topics: set[str] | None = None
        self.partitions_wanted: set[int] | None = None
        self.first: int = 0
        self.end: int | None = None
        # Readers with pushLimit belong to the Spark that keeps filters apart by query (SPARK-58551).
        self.pushdown = _flag(self.options, "pushdown") or hasattr(DataSourceReader, "pushLimit")
        self.since_ms: int | None = None
        if offsets := self.options.get("offset"):
            match = re.fullmatch(r"(\d*)\.\.(=?)(\d*)", offsets)
            if match is None:
                raise ValueError(f'offset: "{offsets}" is not as A..B, A.., ..B or A..=B')
            first, closed, end = match.groups()
            self._narrow(int(first or 0), int(end) + len(closed) if end else None)

    def pushFilters(self, filters: list[Filter]) -> Iterable[Filter]:
        """Takes over what it can; what is yielded, Spark still does itself."""
        for it in filters:
            if not (self.pushdown and self._takes(it)):
                yield it

    def _takes(self, it: Filter) -> bool:
        name = ".".join(getattr(it, "attribute", ()))
        if name == "timestamp":
            if isinstance(it, (EqualTo, GreaterThan, GreaterThanOrEqual)):
                since = int(it.value.timestamp() * 1000)
                self.since_ms = max(since, self.since_ms or since)
            # Segments are left out; in those that are read every record has to be looked at.
            return False
        values = it.value if isinstance(it, In) else [getattr(it, "value", None)]
        if any(value is None for value in values):
            return False
        if name in ("topic", "partition") and isinstance(it, (EqualTo, In)):
            own = "topics" if name == "topic" else "partitions_wanted"
            known = getattr(self, own)
            wanted = set(values)
            setattr(self, own, wanted if known is None else known & wanted)
            return True
        if name != "offset":
            return False
        if isinstance(it, EqualTo):
            self._narrow(it.value, it.value + 1)
        elif isinstance(it, GreaterThan):
            self._narrow(it.value + 1, None)
        elif isinstance(it, GreaterThanOrEqual):
            self._narrow(it.value, None)
        elif isinstance(it, LessThan):
            self._narrow(0, it.value)
        elif isinstance(it, LessThanOrEqual):
            self._narrow(0, it.value + 1)
        else:
            return False
        return True

    def _narrow(self, first: int, end: int | None) -> None:
        self.first = max(self.first, first)
        if end is not None:
            self.end = end if self.end is None else min(self.end, end)

    def partitions(self) -> Sequence[InputPartition]:
        logs: dict[str, list[dict[str, Any]]] = {}
        for path, row in self._rows():
            logs.setdefault(path, []).append(row)
        splits = [
            split
            for path, found in logs.items()
            for rows in [sorted(found, key=_first)]
            for row, end in zip(rows, [*map(_first, rows[1:]), None])
            if self._wants(row)
            for split in self._split(path, _first(row), end)
        ]
        # Spark wants at least one: an empty range of nothing.
        return splits or [Split("", 0, 0)]

    def _rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Segments or parts of them, each with what to read: its partition, or itself if it is named alone."""
        args = ["ls", "--segments", "--format", "ndjson"]
        for name in ("topic", "partition"):
            for value in filter(None, self.options.get(name, "").split(",")):
                args.append(f"--{name}={value}")
        if split := self.options.get("splitbytes"):
            args.append(f"--split={split}")
        named = list(self._paths())
        if not named:
            raise KsegError(f"{self.options['path']}: nothing matches")
        wanted = "kseg.split/1" if split else "kseg.segment/1"
        for line in run([*args, "--", *named], self._binary()).splitlines():
            row = json.loads(line)
            if row.get("schema") != wanted:
                continue
            path, folder = row["path"], os.path.dirname(row["path"])
            # Of a log dir not the folders that are no longer or not yet a partition: `…-delete`, `…-future`.
            if path in named or folder in named or _partition(row):
                yield path if path in named else folder, row

    def _paths(self) -> Iterator[str]:
        for path in self.options["path"].split(","):
            yield from map(os.path.normpath, sorted(glob.glob(path.strip())))

    def _wants(self, row: dict[str, Any]) -> bool:
        topic, number = _partition(row) or (None, None)
        latest = row.get("last_timestamp_ms")
        return (
            (self.topics is None or topic in self.topics)
            and (self.partitions_wanted is None or number in self.partitions_wanted)
            and (self.since_ms is None or latest is None or latest >= self.since_ms)
        )

    def _split(self, path: str, first: int, end: int | None) -> Iterator[Split]:
        # What comes last has no end, so that damage there is met, too.
        first = max(first, self.first)
        if self.end is not None:
            end = self.end if end is None else min(end, self.end)
        if end is None or first < end:
            yield Split(path, first, end)

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        assert isinstance(partition, Split)
        if not partition.path:
            return
        options = self.options
        query = Query.of(
            partition.path,
            offset=partition.offsets,
            since=options.get("since"),
            until=options.get("until"),
            columns="all" if options.get("columns") == "all" else "spark",
            committed=_flag(options, "committed"),
            salvage=self.mode == "permissive",
            values="none" if options.get("values") == "none" else "full",
            jobs=1,
        )
        batches = query.batches(self._binary())
        next(batches)
        try:
            yield from batches
        except Damaged:
            if self.mode == "failfast":
                raise
        finally:
            # What stops early, as after a LIMIT, ends the process too.
            batches.close()  # type: ignore[attr-defined]

    def _binary(self) -> str:
        named = self.options.get("binary")
        if named is None:
            return find_binary()
        if os.path.sep in named:
            return named
        from pyspark import SparkFiles

        path = SparkFiles.get(named)
        # Files are shipped without the permission to run them.
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        return path


def _flag(options: dict[str, str], name: str) -> bool:
    return options.get(name, "false").lower() == "true"


def _first(row: dict[str, Any]) -> int:
    """The offset that a part begins with; of a segment the base offset, which no record of it is below."""
    first: int = row["first_offset"] if row["schema"] == "kseg.split/1" else row["base_offset"]
    return first


def _partition(row: dict[str, Any]) -> tuple[str, int] | None:
    """Topic and number, if the folder has the name of a partition."""
    match = re.fullmatch(r"(.+)-(\d+)", row["partition"])
    return (match[1], int(match[2])) if match else None
