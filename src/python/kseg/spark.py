"""A data source for Spark 4: ``spark.read.format("kseg")``.

A partition of the data frame is a segment, or with ``splitBytes`` a part of one. The columns are those of Spark's Kafka source.

========== ==================================================================================================
option     meaning
========== ==================================================================================================
path       log dirs, partitions or globs of them, separated by commas; ``load(path)`` sets it
topic      names or patterns, separated by commas
partition  ``3``, ``0..4``
since      as ``kseg cat --since``; also ``until``
committed  ``true``: what a read_committed consumer gets
mode       at damage: ``failfast`` fails the task (the default), ``permissive`` continues after it with what can be read,
           ``dropmalformed`` stops there without a word, as if the segment ended
columns    ``spark`` or ``all``
values     ``none``: no values, for jobs that only count
splitBytes size of a task's part of a segment, such as ``64MiB``
binary     path of the binary on driver and executors; or a name shipped by ``spark.files``
========== ==================================================================================================

Filters on topic, partition and offset are taken over where ``spark.sql.python.filterPushdown.enabled`` is true (Spark 4.1);
filters on timestamp leave out segments that are too old.
"""

from __future__ import annotations

import glob
import json
import os
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
    """Offsets of a partition, of one segment."""

    folder: str
    first: int
    end: int

    def __init__(self, folder: str, first: int, end: int) -> None:
        super().__init__(f"{folder} {first}..{end}")
        self.folder, self.first, self.end = folder, first, end


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
        self.since_ms: int | None = None

    def pushFilters(self, filters: list[Filter]) -> Iterable[Filter]:
        """Takes over what it can; what is yielded, Spark still does itself."""
        for it in filters:
            if not self._takes(it):
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
        splits = [
            split
            for row in self._segments()
            if self._wants(row)
            for split in [self._split(row)]
            if split is not None
        ]
        # Spark wants at least one: an empty range of nothing.
        return splits or [Split("", 0, 0)]

    def _segments(self) -> Iterator[dict[str, Any]]:
        args = ["ls", "--segments", "--format", "ndjson"]
        for name in ("topic", "partition"):
            for value in filter(None, self.options.get(name, "").split(",")):
                args.append(f"--{name}={value}")
        if split := self.options.get("splitbytes"):
            args.append(f"--split={split}")
        paths = list(self._paths())
        if not paths:
            raise KsegError(f"{self.options['path']}: nothing matches")
        wanted = "kseg.split/1" if split else "kseg.segment/1"
        for line in run([*args, "--", *paths], self._binary()).splitlines():
            row = json.loads(line)
            if row.get("schema") == wanted:
                yield row

    def _paths(self) -> Iterator[str]:
        for path in self.options["path"].split(","):
            yield from sorted(glob.glob(path.strip()))

    def _wants(self, row: dict[str, Any]) -> bool:
        topic, _, number = row["partition"].rpartition("-")
        latest = row.get("last_timestamp_ms")
        return (
            (self.topics is None or topic in self.topics)
            and (self.partitions_wanted is None or int(number) in self.partitions_wanted)
            and (self.since_ms is None or latest is None or latest >= self.since_ms)
        )

    def _split(self, row: dict[str, Any]) -> Split | None:
        # Of a split its own first offset; of a segment the base offset, which no record of it is below.
        first = max(self.first, row["first_offset"] if row["schema"] == "kseg.split/1" else row["base_offset"])
        end = row["end_offset"]
        if end is None:
            return None
        if self.end is not None:
            end = min(end, self.end)
        return Split(os.path.dirname(row["path"]), first, end) if first < end else None

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        assert isinstance(partition, Split)
        if partition.first >= partition.end:
            return
        options = self.options
        query = Query.of(
            partition.folder,
            offset=f"{partition.first}..{partition.end}",
            since=options.get("since"),
            until=options.get("until"),
            columns="all" if options.get("columns") == "all" else "spark",
            committed=options.get("committed", "false").lower() == "true",
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
