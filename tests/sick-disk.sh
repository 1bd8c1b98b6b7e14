#!/usr/bin/env bash
# A disk with bad sectors, for real: a log dir on an ext4 image on a loop device, the image truncated while it is mounted, so
# that some blocks of one segment answer EIO. Then every command that reads, and a repair into another file system.
#
#   tests/sick-disk.sh KSEG SEGMENT [PARTITION]      as root; needs mkfs.ext4, filefrag, fallocate,
#                                                jq and a free loop device
#
#   KSEG       the binary, such as target/release/kseg
#   SEGMENT    a sound .log of more than 2 MiB with base offset 0: cargo bench --bench segments -- --out SEGMENT --size 4MiB
#   PARTITION  a directory of files of another partition, which must be reported as if nothing had happened
set -euo pipefail
export LC_ALL=C
die() { echo "sick-disk: $*" >&2; exit 2; }
(($# >= 2)) || { sed -n '2,/^set -e/{/^set -e/!s/^# \{0,1\}//p}' "$0"; exit 2; }
kseg=$(realpath "$1") segment=$(realpath "$2") other=${3:+$(realpath "$3")}
[[ $EUID == 0 ]] || die "only root may mount an image"
(($(stat -c %s "$segment") > 2 << 20)) || die "$segment: too small"

dir=$(mktemp -d)
trap 'umount -q "$dir/mnt" || true; rm -rf "$dir"' EXIT
cd "$dir"
mkdir mnt
bad_blocks=4 total=16384
truncate -s $((total * 4096)) image
mkfs.ext4 -q -F -b 4096 -m 0 -O ^has_journal image
mount -o loop,noatime image mnt

# The first MiB of the segment, then blocks at the very end of the disk, because nothing else is free, then the rest.
logs=$dir/mnt/logs log=$dir/mnt/logs/sick-0/00000000000000000000.log
mkdir -p "$logs/sick-0" "$logs/sound-0"
[[ -z $other ]] || cp "$other"/* "$logs/sound-0/"
printf '0\n0\n' > "$logs/recovery-point-offset-checkpoint"
head -c $((1 << 20)) "$segment" > "$log"
sync
fallocate -l $(($(df --output=avail -B1 mnt | tail -1) - (1 << 16))) mnt/filler
sync
last=$(filefrag -v mnt/filler | awk -v end=$((total - 1)) '$1 ~ /^[0-9]+:$/ { gsub(/[.:]/, " "); if ($5 == end) print $3 }')
[[ $last ]] || die "the last block of the image is not the filler's"
# What else is free is taken, so that only the last blocks are left.
head -c $((1 << 20)) /dev/zero > mnt/filler2 2> /dev/null || true
sync
fallocate -p -o $(((last - bad_blocks + 1) * 4096)) -l $((bad_blocks * 4096)) mnt/filler
sync
dd if="$segment" bs=4096 skip=256 count=$bad_blocks status=none >> "$log"
sync
rm mnt/filler mnt/filler2
dd if="$segment" bs=4096 skip=$((256 + bad_blocks)) count=256 status=none >> "$log"
sync
filefrag -v "$log" | grep -q "$((total - bad_blocks))\.\. *$((total - 1)):" || die "the blocks are not where they should be"
umount mnt
mount -o loop,noatime image mnt
truncate -s $(((total - bad_blocks) * 4096)) image

bad_start=$((1 << 20)) bad_end=$(((1 << 20) + bad_blocks * 4096)) failed=0
fail() { echo "FAILED: $*"; failed=1; }
check() { # WHAT: the last command's output holds a text
  grep -qF -- "$1" out err || fail "no \"$1\" in the output of: $command"
}
run() { # EXPECTED-STATUS ARG...: no signal, and the status is one of those expected
  local expected=$1 status=0
  shift
  command="kseg $*"
  "$kseg" "$@" > out 2> err || status=$?
  echo "status $status  $command  ($(wc -l < out) lines, $(wc -l < err) messages)"
  [[ ,$expected, == *,$status,* ]] || { fail "status $status, expected $expected"; head -3 err; }
}
cat "$log" > /dev/null 2>&1 && die "the blocks can be read"

# What the same log holds where the disk is sound: its offsets, those of the batches that the bad blocks cut, and those of the rest.
mkdir -p sound/sick-0
cp "$segment" sound/sick-0/
truncate -s "$(stat -c %s "$log")" sound/sick-0/00000000000000000000.log
"$kseg" cat --format ndjson sound/sick-0 2> /dev/null | jq .offset > all || true
"$kseg" show --format ndjson sound/sick-0/00000000000000000000.log 2> /dev/null |
  jq -r 'select(.schema == "kseg.batch/1") | "\(.position) \(.size_bytes) \(.base_offset) \(.last_offset)"' > batches || true
awk -v from=$bad_start -v to=$bad_end '$1 < to && $1 + $2 > from { for (o = $3; o <= $4; o++) print o }' batches > cut
[[ -s all && -s cut ]] || die "nothing to compare with"
sort -n all > all.sorted
sort cut > cut.sorted
sort all.sorted | comm -23 - cut.sorted | sort -n > expected
echo "$(wc -l < all) records, of which the bad blocks cut $(wc -l < cut)"

# No signal ends a command; each names exactly the bytes that cannot be read, and shows everything before and after them.
for way in "" --no-mmap; do
  for jobs in 1 2; do
    run 1 verify -j$jobs $way "$logs"
    check "bytes $bad_start..$bad_end cannot be read"
    check S117
    run 1 verify -j$jobs $way --format json "$logs"
    jq -e --argjson from $bad_start --argjson to $bad_end '
      [.findings[] | select(.code == "S117") | .detail.unreadable[] | [.from, .to]] == [[$from, $to]]
      and .coverage.unreadable_bytes == $to - $from' out > /dev/null || fail "other ranges: $(jq -c '[.findings[].detail], .coverage' out)"
    for more in "" --salvage; do
      run 1 cat -j$jobs $way $more --format ndjson "$logs/sick-0"
      check "bytes $bad_start..$bad_end cannot be read"
      jq .offset out > offsets
      if [[ $more ]]; then
        cmp -s offsets expected || fail "cat --salvage: other records than those that can be read"
      else
        cmp -s offsets <(head -n "$(wc -l < offsets)" expected) && [[ -s offsets ]] || fail "cat: other records than those before the bad blocks"
      fi
    done
    run 1 show -j$jobs $way "$log"
    check "bytes $bad_start..$bad_end cannot be read"
    run 1 dump -j$jobs $way --files "$log" --print-data-log
    check "bytes $bad_start..$bad_end cannot be read"
    grep -ao '^| offset: [0-9]*' out | grep -o '[0-9]*$' > offsets || true
    cmp -s offsets expected || fail "dump: other records than those that can be read"
  done
done
run 1 export --salvage --format ndjson --output exported "$logs/sick-0"
check "bytes $bad_start..$bad_end cannot be read"
cat exported/*.ndjson | jq .offset | cmp -s - expected || fail "export --salvage: other records than those that can be read"
run 0,1,2 ls "$logs"
run 1 predict --unclean --no-recovery-points "$logs"
check "$bad_start..$bad_end"
check KafkaStorageException

# The plan is carried out into a directory on another file system, and nowhere else.
find mnt -printf '%p %s %T@\n' | sort > before
run 0,1 repair plan "$logs" -o plan.json
check OTHER-DISK
jq -e '[.plans[]?.steps[], .steps[]?] | any(.codes == ["S117"])' plan.json > /dev/null || fail "no step for S117"
run 2 repair apply plan.json --in-place --accept-lossy
check "unreadable bytes"
run 2 repair apply plan.json --into mnt/repaired --accept-lossy
check "same file system"
run 0,1 repair apply plan.json --into repaired --accept-lossy
run 0 verify repaired
check "0 errors"
run 0 cat --format ndjson repaired/sick-0
jq .offset out | cmp -s - expected || fail "the repaired log has other records than those that can be read"
find mnt -printf '%p %s %T@\n' | sort | cmp -s - before || fail "something on the sick disk was changed"
((failed == 0)) && echo "sick-disk: all as it should be"
exit $failed
