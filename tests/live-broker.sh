#!/usr/bin/env bash
# Reads the log dir of a broker that rolls, compacts, deletes and creates all the time, and counts the rounds in which a command
# fails, reports something wrong, or foretells a loss. There must be none.
#
#   tests/live-broker.sh KSEG KAFKA [ROUNDS] [KEY=VALUE]...      e.g. log.preallocate=true; needs a JDK and jq
#
#   KSEG   the binary, such as target/release/kseg
#   KAFKA  a command: KAFKA serve VERSION DIR PORT [KEY=VALUE]... is a broker in the foreground, its pid in DIR.pid;
#          KAFKA wait PORT SECONDS waits for it; KAFKA fetch VERSION prints the folder of its jars
set -euo pipefail
(($# >= 2)) || { sed -n '2,/^set -e/{/^set -e/!s/^# \{0,1\}//p}' "$0"; exit 2; }
kseg=$(realpath "$1") kafka=$(realpath "$2") rounds=${3:-40}
shift $(($# < 3 ? $# : 3))
here=$(dirname "$(realpath "$0")") version=4.3.1 port=${PORT:-29417} dir=$(mktemp -d)
cd "$dir"
pids=()
end() {
  for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done
  [[ ! -e logs.pid ]] || kill "$(cat logs.pid)" 2> /dev/null || true
  wait || true
  rm -rf "$dir"
}
trap end EXIT
"$kafka" serve $version "$dir/logs" "$port" log.segment.bytes=1048576 log.retention.bytes=2097152 \
  log.retention.check.interval.ms=1000 log.initial.task.delay.ms=1000 log.segment.delete.delay.ms=1000 \
  log.cleaner.backoff.ms=500 log.cleaner.min.cleanable.ratio=0.01 log.cleaner.max.compaction.lag.ms=1000 \
  offsets.topic.num.partitions=4 transaction.state.log.num.partitions=4 "$@" > broker.log 2>&1 &
pids+=($!)
"$kafka" wait "$port" 400
java -Xmx200m -cp "$("$kafka" fetch $version)/*" "$here/../benches/Churn.java" "$port" 7 > churn.log 2>&1 &
pids+=($!)
for ((second = 0; second < 300; second++)); do
  [[ ! -d logs/transactional-1 ]] || break
  sleep 1
done
sleep 10

why=()
run() { # MOST-STATUS ARG...
  local most=$1 status=0
  shift
  "$kseg" "$@" > out 2> err || status=$?
  ((status <= most)) || why+=("$1: status $status: $(head -1 err)")
}
bad=0
for ((round = 1; round <= rounds; round++)); do
  why=()
  run 0 verify --format json logs
  [[ $(jq '[.findings[] | select(.severity != "note")] | length' out) == 0 ]] ||
    why+=("verify: $(jq -c '[.findings[] | select(.severity != "note") | [.code, .path]] | .[0]' out)")
  run 0 ls logs
  run 0 cat --format ndjson logs
  [[ ! -s err ]] || why+=("cat: $(head -1 err)")
  for partition in compacted-0 expiring-0 both-0; do
    # As Kafka's tool, it ends with status 1 where zeros follow the last batch: room that the broker preallocated.
    run 1 dump "logs/$partition"
    ! grep -qv 'preallocated space' err || why+=("dump: $(grep -v 'preallocated space' err | head -1)")
  done
  run 1 predict --format json logs
  [[ $(jq '[.. | objects | select(has("lost")) | .lost | .records? // 0] | add' out) == 0 ]] || why+=("predict: foretells a loss")
  ((${#why[@]} == 0)) || { bad=$((bad + 1)); printf "round $round: %s\n" "${why[@]}"; }
  sleep 0.5
done
kill -0 "${pids[1]}" || { echo "the load ended: $(tail -1 churn.log)"; exit 2; }
echo "failing rounds: $bad of $rounds"
((bad == 0))
