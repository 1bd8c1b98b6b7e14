#!/usr/bin/env bash
# Measures what `kseg repair` saves of a corpus of damaged log dirs: the numbers of README.md and src/guide/saved.md.
#
#   [KSEG=BINARY] [ACCEPT=COMMAND] benches/saved.sh CORPUS OUT [VERSION...]
#
#   BINARY    the kseg that is measured (kseg)
#   COMMAND   starts a broker on repaired log dirs and counts the records that its consumers get: COMMAND --kafka VERSION OUT
#   CORPUS    CORPUS/damage/CASE/files is a log dir with one damage, CASE/case.json says what it is
#   OUT       where the repaired log dirs are put; a new folder
#   VERSION   of the brokers (4.3.1)
#
# Every case is planned, repaired into OUT/CASE, verified, and planned again.
set -euo pipefail
export LC_ALL=C

die() { echo "saved: $*" >&2; exit 2; }
usage() { sed -n '2,/^set -e/{/^set -e/!s/^# \{0,1\}//p}' "$0"; }

case ${1:-} in
  --help | -h) usage; exit ;;
esac
(($# >= 2)) || { usage >&2; exit 2; }
corpus=$1 out=$2
shift 2
kseg=${KSEG:-kseg}
[[ -d $corpus/damage ]] || die "$corpus/damage: no such folder"
[[ ! -e $out ]] || die "$out: exists; name a new folder"
command -v jq > /dev/null || die "jq is needed to read plans"
mkdir -p "$out"
plan=$(mktemp)
trap 'rm -f "$plan" "$plan.again"' EXIT

cases=0 proven=0 consent=0 manual=0 refused=0 clean=0 settled=0
for files in "$corpus"/damage/*/files; do
  case=$(basename "$(dirname "$files")")
  [[ $case != base-* ]] || continue
  cases=$((cases + 1))
  "$kseg" repair plan --force -o "$plan" "$files" > /dev/null 2>&1 || (($? == 1)) || {
    refused=$((refused + 1)); echo "$case: no plan"; continue; }
  if jq -e '[.steps[].safety] | all(. == "proven")' "$plan" > /dev/null; then
    proven=$((proven + 1))
  elif jq -e '[.steps[].safety] | any(. == "likely" or . == "suspect" or . == "lossy")' "$plan" > /dev/null; then
    consent=$((consent + 1))
  else
    manual=$((manual + 1))
  fi
  "$kseg" repair apply "$plan" --copy --accept-lossy --into "$out/$case" > /dev/null 2>&1 || (($? == 1)) || {
    refused=$((refused + 1)); echo "$case: not applied"; continue; }
  if "$kseg" verify "$out/$case" > /dev/null 2>&1; then clean=$((clean + 1)); fi
  "$kseg" repair plan --force -o "$plan.again" "$out/$case" > /dev/null 2>&1 || true
  if jq -e '[.steps[].safety] | all(. == "manual")' "$plan.again" > /dev/null; then
    settled=$((settled + 1))
  else
    echo "$case: planned again"
  fi
done
echo "$cases cases: $proven plans of proven steps only, $consent that need consent, $manual with manual steps only; $refused not repaired"
echo "afterwards: $clean verified without a warning, $settled with nothing more to do"
if [[ ${ACCEPT:-} ]]; then
  (($#)) || set -- 4.3.1
  for version; do
    "$ACCEPT" --kafka "$version" "$out" || true
  done
fi
