#!/usr/bin/env bash
# Stops real brokers at bad moments, and holds that `kseg repair plan` on what they leave has no step but proven ones, and none that
# brings back what was deleted.
#
#   KSEG=BINARY KAFKA=COMMAND benches/stops.sh [--stops N] [--port P] [--seed S] [SCRATCH] VERSION...
#
#   BINARY     the kseg to hold to it (kseg)
#   COMMAND    runs Kafka of any version: COMMAND serve VERSION DIR PORT [KEY=VALUE]..., COMMAND java VERSION CLASS-OR-FILE ARG...,
#              COMMAND wait PORT; the broker's process id is in DIR.pid
#   --stops N  stops of each version (20)
#   --port P   two ports from here on are used (24200)
#   --seed S   of the moments and of the records (1)
#   SCRATCH    where log dirs are written, if the first argument is a path (a new temporary folder)
#
# A broker rolls, compacts, expires, aborts, deletes records and topics all the time (Churn.java), with a file.delete.delay.ms of
# three seconds. At random moments its process is frozen, and the log dir copied: that is what kill -9 leaves, to the byte. Each
# version is also killed and started again, and stopped in order.
set -euo pipefail
export LC_ALL=C

die() { echo "stops: $*" >&2; exit 2; }
usage() { sed -n '2,/^set -e/{/^set -e/!s/^# \{0,1\}//p}' "$0"; }

here=$(cd "$(dirname "$0")" && pwd)
stops=20 port=24200 seed=1 scratch=
versions=()
while (($#)); do
  case $1 in
    --stops) stops=${2:?--stops needs a number}; shift 2 ;;
    --port) port=${2:?--port needs a number}; shift 2 ;;
    --seed) seed=${2:?--seed needs a number}; shift 2 ;;
    --help | -h) usage; exit ;;
    -*) die "unknown option $1; see --help" ;;
    */*) scratch=$1; shift ;;
    *) versions+=("$1"); shift ;;
  esac
done
((${#versions[@]})) || die "no version of Kafka; see --help"
kseg=${KSEG:-kseg}
kafka=${KAFKA:-}
[[ $kafka ]] || die "KAFKA is not set; see --help"
command -v jq > /dev/null || die "jq is needed to read plans"

if [[ $scratch ]]; then
  mkdir -p "$scratch"
else
  scratch=$(mktemp -d)
fi
broker= churn=
finish() {
  [[ -z $churn ]] || kill "$churn" 2> /dev/null || true
  [[ -z $broker ]] || kill -9 "$(java_of)" 2> /dev/null || true
}
trap finish EXIT

# The process of the broker itself.
java_of() { cat "$dir.pid" 2> /dev/null || echo 0; }

start() {
  rm -f "$dir.pid"
  "$kafka" serve "$version" "$dir" "$port" log.cleaner.backoff.ms=200 log.retention.check.interval.ms=300 log.initial.task.delay.ms=0 \
    log.segment.delete.delay.ms=3000 log.flush.offset.checkpoint.interval.ms=700 log.cleaner.dedupe.buffer.size=2000000 \
    log.flush.start.offset.checkpoint.interval.ms=700 replica.high.watermark.checkpoint.interval.ms=700 \
    transaction.state.log.segment.bytes=1048576 offsets.topic.segment.bytes=1048576 > "$dir.log" 2>&1 &
  broker=$!
  "$kafka" wait "$port" 120
  "$kafka" java "$version" "$here/Churn.java" "$port" "$seed" > "$dir.churn" 2>&1 &
  churn=$!
  # Before that there is nothing to stop.
  for ((second = 0; second < 120; second++)); do
    ! compgen -G "$dir/transactional-1/*.snapshot" > /dev/null || return 0
    kill -0 "$churn" 2> /dev/null || die "Churn ended: $(tail -3 "$dir.churn")"
    sleep 1
  done
  die "Churn does not produce; see $dir.churn"
}

stop() { # SIGNAL
  kill "$churn" 2> /dev/null || true
  wait "$churn" 2> /dev/null || true
  kill "-$1" "$(java_of)" 2> /dev/null || true
  wait "$broker" 2> /dev/null || true
  broker= churn=
}

total=0 failed=0 empty=0
# Holds that the plan of a copy is as it must be.
hold() { # COPY WHAT
  local plan=$scratch/plan.json wrong
  total=$((total + 1))
  "$kseg" repair plan --format json "$1" > "$plan" 2> "$scratch/plan.err" || (($? == 1)) || {
    failed=$((failed + 1)); echo "$version, $2: no plan: $(head -1 "$scratch/plan.err"); kept $1"; return; }
  wrong=$(jq -r '.steps[] | select(.safety != "proven"
      or ((.action | has("rename")) and (.action[].file | test("\\.deleted$|-delete(/|$)|\\.cleaned$"))))
    | "  step \(.id): \(.safety) \(.action | keys[0]) \(.action[].file): \(.codes | join(",")) \(.why)"' "$plan")
  if [[ $(jq '.steps | length' "$plan") == 0 ]]; then empty=$((empty + 1)); fi
  if [[ $wrong ]]; then
    failed=$((failed + 1))
    echo "$version, $2: kept $1"
    echo "$wrong"
  else
    rm -rf "$1"
  fi
}

RANDOM=$seed
for version in "${versions[@]}"; do
  dir=$scratch/$version/data
  mkdir -p "$scratch/$version"
  start
  for ((n = 1; n <= stops; n++)); do
    sleep "$((RANDOM % 2)).$((RANDOM % 10))$((RANDOM % 10))"
    copy=$scratch/$version-$seed-$n
    if ((n % 10 == 0)); then
      # Killed in earnest, or stopped in order, and started again on what it left.
      if ((n % 20 == 0)); then stop TERM; what="stopped"; else stop KILL; what="killed"; fi
      cp -r "$dir" "$copy"
      hold "$copy" "$what"
      ((n == stops)) || start
      continue
    fi
    kill -STOP "$(java_of)"
    sleep 0.2 # Its threads stop one after the other.
    cp -r "$dir" "$copy"
    kill -CONT "$(java_of)"
    hold "$copy" "stop $n"
  done
  [[ -z $broker ]] || stop KILL
  echo "$version: $stops stops done"
done
echo "$total stops, $empty with an empty plan, $failed with a step that is not proven or brings something back"
((failed == 0))
