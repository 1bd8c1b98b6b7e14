"""`format("kseg")` on a cluster of two executors, from an environment that has nothing but the package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from forge import TRANSACTIONAL, batch, index, marker, partition
from support import KSEG, ROOT

pytest.importorskip("pyspark")
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("Spark needs Java", allow_module_level=True)

SCRIPT = '''
import contextlib, io, json, os, sys
os.environ["PYSPARK_PYTHON"] = sys.executable
from pyspark.sql import SparkSession
from kseg.spark import KsegDataSource

paths, damaged, torn, ended = sys.argv[1:]
spark = (
    SparkSession.builder.master("local-cluster[2,1,1024]").appName("kseg")
    .config("spark.ui.enabled", "false")
    .config("spark.task.maxFailures", "1")
    .config("spark.sql.python.filterPushdown.enabled", "true")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("OFF")
spark.dataSource.register(KsegDataSource)
said = {}

def read(path=paths, **options):
    return spark.read.format("kseg").options(**options).load(path)

def plan(frame):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        frame.explain(True)
    return out.getvalue().split("== Optimized Logical Plan ==")[1].split("== Physical Plan ==")[0]

frame = read()
said["schema"] = frame.schema.simpleString()
said["count"] = frame.count()
said["sum"] = frame.selectExpr("sum(length(value))").first()[0]
said["partitions"] = frame.rdd.getNumPartitions()
said["topics"] = {row.topic: row["count"] for row in frame.groupBy("topic").count().collect()}
query = "topic = 'orders' and partition = 1 and offset >= 10 and offset < 15"
pushed = read(pushdown="true").where(query)
said["offsets"] = sorted(row.offset for row in pushed.collect())
said["pushed"] = ">= 10" not in plan(pushed) and "orders" not in plan(pushed)
said["pushed_partitions"] = pushed.rdd.getNumPartitions()
# Queries on one frame don't get each other's filters.
said["again"] = [frame.where(query).count(), frame.count()]
both = frame.where("partition = 1").union(frame.where("topic = 'clicks'"))
said["union"] = {row.topic: row["count"] for row in both.groupBy("topic").count().collect()}
said["offset"] = read(topic="orders", partition="1", offset="10..15").count()
kept = read(pushdown="true").where("timestamp > timestamp'2100-01-01' and key is not null")
said["late"] = kept.count()
said["kept"] = "Filter" in plan(kept)
said["limit"] = len(frame.limit(3).collect())
said["values"] = read(values="none").where("value is null").count()
said["split"] = read(splitBytes="1MiB").count()
said["split_partitions"] = read(splitBytes="1MiB").rdd.getNumPartitions()
said["topic"] = read(topic="clicks", columns="all").selectExpr("max(codec)").first()[0]
for mode in ("permissive", "dropmalformed"):
    said[mode] = read(damaged, mode=mode).count()
for name, path in {"failfast": damaged, "torn": torn}.items():
    try:
        read(path).count()
    except Exception as error:
        said[name] = str(error)
said["ended"] = [read(ended, committed=committed).count() for committed in ("true", "false")]
try:
    read(damaged, mode="hope").count()
except Exception as error:
    said["mode"] = str(error)
print("SAID", json.dumps(said))
spark.stop()
'''


def environment(folder: Path) -> Path:
    """What a wheel leaves behind: the package and, beside python, the binary. Spark itself comes from here."""
    venv.create(folder, symlinks=True, with_pip=False)
    python = folder / "bin/python"
    paths = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True, check=True
    )
    site = Path(paths.stdout.strip())
    shutil.copytree(ROOT / "src/python/kseg", site / "kseg")
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    shutil.copy(KSEG, folder / "bin/kseg")
    return python


def test_a_cluster(tmp_path: Path) -> None:
    rows = [(b"k%d" % n, b"v" * 100, [("h", b"x")]) for n in range(20_000)]
    # Only at index entries a segment is split.
    index(partition(tmp_path / "a/orders-0", rows))
    partition(tmp_path / "a/clicks-0", rows[:500])
    partition(tmp_path / "b/orders-1", rows[:1000])
    log = partition(tmp_path / "c/bad-0", rows[:1000], at_once=100) / "00000000000000000000.log"
    bytes_ = bytearray(log.read_bytes())
    # More than one bit: salvage turns back a single one.
    middle = len(bytes_) // 2
    bytes_[middle : middle + 4] = b"1234"
    log.write_bytes(bytes_)
    # A folder that is being deleted is no partition.
    shutil.copytree(tmp_path / "b/orders-1", tmp_path / f"b/orders-1.{'0' * 32}-delete")
    # Bytes after the last batch: no record is lost, and still the log is not as it should be.
    torn = partition(tmp_path / "d/torn-0", rows[:10])
    with open(torn / "00000000000000000000.log", "ab") as log_file:
        log_file.write(b"x" * 100)
    ended = tmp_path / "e/ended-0"
    ended.mkdir(parents=True)
    # The marker that aborts the first transaction is in the segment after it.
    (ended / "00000000000000000000.log").write_bytes(batch(0, rows[:10], attributes=TRANSACTIONAL, producer=7))
    second = marker(10, 7, commit=False) + batch(11, rows[:5], attributes=TRANSACTIONAL, producer=8) + marker(16, 8, commit=True)
    (ended / "00000000000000000010.log").write_bytes(second)
    python = environment(tmp_path / "env")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    java = os.environ.get("JAVA_HOME") or str(Path(shutil.which("java") or "/usr/bin/java").resolve().parents[1])
    home = Path(sysconfig.get_path("purelib")) / "pyspark"
    clean |= {"JAVA_HOME": java, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    paths = f"{tmp_path}/[ab]"
    done = subprocess.run(
        [python, script, paths, *(tmp_path / name for name in "cde")], env=clean, cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("SAID ")]
    assert lines, done.stdout[-2000:] + done.stderr[-6000:]
    said = json.loads(lines[0].removeprefix("SAID "))
    assert said["count"] == said["values"] == said["split"] == 21_500
    assert said["sum"] == 2_150_000
    assert said["partitions"] == 3
    assert said["split_partitions"] == 5
    assert said["topics"] == {"orders": 21_000, "clicks": 500}
    assert said["offsets"] == [10, 11, 12, 13, 14] and said["pushed"]
    assert said["pushed_partitions"] == 1
    assert said["again"] == [5, 21_500]
    assert said["union"] == {"orders": 1000, "clicks": 500}
    assert said["offset"] == 5
    assert said["late"] == 0 and said["kept"]
    assert said["limit"] == 3
    assert said["topic"] == "none"
    assert said["permissive"] == 900
    assert 0 < said["dropmalformed"] < 900
    assert "stopped there" in said["failfast"]
    assert "torn-0" in said["torn"] and "00000000000000000000.log" in said["torn"]
    assert said["ended"] == [5, 15]
    assert '"hope" is not one of failfast' in said["mode"]
    assert said["schema"] == (
        "struct<key:binary,value:binary,topic:string,partition:int,offset:bigint,timestamp:timestamp,"
        "timestampType:int,headers:array<struct<key:string,value:binary>>>"
    )


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
