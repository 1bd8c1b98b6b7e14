#!/usr/bin/env bash
# Measures `kseg` against Kafka's own DumpLogSegments, and against reading the file: whole processes, the same segments; what `dump`
# prints is byte-identical.
#
#   KAFKA_DUMP=COMMAND benches/versus.sh [--size SIZE] [--pairs N] [SCRATCH]
#
#   COMMAND      runs the real tool, such as `kafka-dump-log.sh`; words after the first are arguments
#   --size SIZE  of the records of a segment before compression (256MiB)
#   --pairs N    how often each two are run, in turns: A B A B ... (5)
#   SCRATCH      where segments are written, one at a time; needs up to 2 GiB (a new temporary folder)
#
# Times are wall clock from start to end, medians of all runs, with the output in a file below SCRATCH; of one and two
# threads, with the output in /dev/null, since a disk takes it no faster from two.
# `times` is the first over the second, pair by pair: the median, and the smallest to the largest. Nothing else should
# run on the machine.
set -euo pipefail
export LC_ALL=C

die() { echo "versus: $*" >&2; exit 2; }
usage() { sed -n '2,/^set -e/{/^set -e/!s/^# \{0,1\}//p}' "$0"; }

size=256MiB pairs=5 scratch=
while (($#)); do
  case $1 in
    --size) size=${2:?--size needs a number of bytes}; shift 2 ;;
    --pairs) pairs=${2:?--pairs needs a number}; shift 2 ;;
    --help | -h) usage; exit ;;
    -*) die "unknown option $1; see --help" ;;
    *) scratch=$1; shift ;;
  esac
done
read -ra kafka_dump <<< "${KAFKA_DUMP:-}"
((${#kafka_dump[@]})) || die "KAFKA_DUMP is not set; see --help"
[[ ${kafka_dump[0]} != */* ]] || kafka_dump[0]=$(realpath "${kafka_dump[0]}")

if [[ $scratch ]]; then
  mkdir -p "$scratch"
else
  scratch=$(mktemp -d)
  trap 'rm -r "$scratch"' EXIT
fi
scratch=$(realpath "$scratch")
cd "$(dirname "$(realpath "$0")")/.."
kseg=${CARGO_TARGET_DIR:-target}/dist/kseg

# The contestants. Each takes the options that both tools know.
kafka() { "${kafka_dump[@]}" "$@"; }
one() { "$kseg" dump -j1 "$@"; }
two() { "$kseg" dump -j2 "$@"; }
windowed() { "$kseg" dump -j1 --no-mmap "$@"; }
version() { "$kseg" --version; }
plain() { cat "$1"; }
printed() { kafka --print-data-log --files "$1"; }
iterated() { kafka --deep-iteration --files "$1"; }
cat_one() { "$kseg" cat -j1 --format ndjson "$1"; }
cat_two() { "$kseg" cat -j2 --format ndjson "$1"; }
sum_one() { "$kseg" verify -j1 --depth sum "$1"; }
sum_two() { "$kseg" verify -j2 --depth sum "$1"; }
deep_one() { "$kseg" verify -j1 --depth deep "$1"; }

# segment NAME OPTION...: writes one and sets `log` to its path.
segment() {
  mkdir -p "$scratch/$1"
  log=$scratch/$1/00000000000000000000.log
  cargo bench --quiet --bench segments -- --out "$log" "${@:2}"
}

# same A B ARG...: stops unless both print the same.
same() {
  cmp <("$1" "${@:3}") <("$2" "${@:3}") || die "$1 and $2 differ: ${*:3}"
}

# micros COMMAND...: microseconds it takes.
micros() {
  rm -f "$scratch/output"
  local start=${EPOCHREALTIME/./}
  "$@" > "${sink:-$scratch/output}" || die "failed: $*"
  echo $((${EPOCHREALTIME/./} - start))
}

# versus LABEL A B ARG...: a row of the table.
versus() {
  local pair first second
  for ((pair = 0; pair < pairs; pair++)); do
    first=$(micros "$2" "${@:4}")
    second=$(micros "$3" "${@:4}")
    echo "$first $second"
  done | awk -v label="$1" '
    function sort(list, n,    i, j, x) {
      for (i = 2; i <= n; i++) {
        x = list[i]
        for (j = i - 1; j > 0 && list[j] > x; j--) list[j + 1] = list[j]
        list[j + 1] = x
      }
    }
    function median(list, n) { return (list[int((n + 1) / 2)] + list[int(n / 2) + 1]) / 2 }
    { a[NR] = $1 / 1e6; b[NR] = $2 / 1e6; ratio[NR] = $1 / $2 }
    END {
      if (!NR) exit 1
      sort(a, NR); sort(b, NR); sort(ratio, NR)
      printf "%-42s %8.3f s %8.3f s %7.2f (%.2f-%.2f)\n", label, median(a, NR), median(b, NR),
        median(ratio, NR), ratio[1], ratio[NR]
    }'
}

# peak COMMAND...: the most memory it had, in KiB.
peak() {
  if /usr/bin/time -f %M true 2> /dev/null; then
    /usr/bin/time -f %M -o "$scratch/peak" "$@" > /dev/null
    tail -n 1 "$scratch/peak"
    rm "$scratch/peak"
  else
    python3 -c 'import resource as r, subprocess as s, sys
s.run(sys.argv[1:], stdout=s.DEVNULL, check=True)
print(r.getrusage(r.RUSAGE_CHILDREN).ru_maxrss)' "$@"
  fi
}

cargo build --quiet --profile dist --bin kseg

printf '%-42s %10s %10s %7s\n' "$size of records, $pairs pairs" first second times
for case in 'none 400' 'none 100' 'gzip 400' 'snappy 400' 'lz4 400' 'zstd 400'; do
  read -r codec value <<< "$case"
  segment "$codec-$value" --size "$size" --codec "$codec" --value-bytes "$value"
  same kafka one --print-data-log --files "$log"
  same one two --print-data-log --files "$log"
  versus "$codec, $value B: DumpLogSegments, kseg -j1" kafka one --print-data-log --files "$log"
  sink=/dev/null versus "$codec, $value B: kseg -j1, kseg -j2" one two --print-data-log --files "$log"
  if [[ $case == 'none 400' ]]; then
    same kafka one --files "$log"
    versus 'batches only: DumpLogSegments, kseg -j1' kafka one --files "$log"
  fi
  rm "$log"
done

# Records and checks. All into /dev/null.
sink=/dev/null
for case in 'none 16384' 'none 1024' 'zstd 16384'; do
  read -r codec batch <<< "$case"
  segment "checked-$codec-$batch" --size "$size" --codec "$codec" --value-bytes 400 --batch-bytes "$batch"
  if [[ $case == 'none 16384' ]]; then
    versus 'records: DumpLogSegments, kseg cat -j1' printed cat_one "$log"
    versus 'records: kseg cat -j1, -j2' cat_one cat_two "$log"
  fi
  if [[ $codec == none ]]; then
    versus "sum, $batch B: kseg verify -j1, cat" sum_one plain "$log"
    versus "sum, $batch B: kseg verify -j1, -j2" sum_one sum_two "$log"
  fi
  versus "deep, $codec, $batch B: DumpLogSegments, kseg" iterated deep_one "$log"
  rm "$log"
done
unset sink

# Indexes. What Kafka 4.3 does for a time index grows with the square of the segment: minutes at 256 MiB, seconds at
# 32 MiB, which is therefore its size whatever --size says. For kseg alone it is timed at full size too.
segment indexes --size "$size" --indexes
same kafka one --files "${log%.log}.index"
versus '.index: DumpLogSegments, kseg' kafka one --files "${log%.log}.index"
versus '.timeindex: kseg, kseg --no-mmap' one windowed --files "${log%.log}.timeindex"
rm "${log%.log}".*
segment small-indexes --size 32MiB --indexes
same kafka one --files "${log%.log}.timeindex"
versus '.timeindex of 32MiB: DumpLogSegments, kseg' kafka one --files "${log%.log}.timeindex"
rm "${log%.log}".*

segment large --size 2GiB
for threads in 1 2; do
  kib=$(peak "$kseg" dump "-j$threads" --print-data-log --files "$log")
  printf '%-42s %8d MiB\n' "peak memory at 2 GiB: kseg -j$threads" $((kib / 1024))
done
rm "$log"

printf '%-42s %9d us\n' 'kseg --version' "$(for _ in {1..21}; do micros version; done | sort -n | sed -n 11p)"
