#!/usr/bin/env bash
# Prints how large the binary is, feature by feature.
#
#   benches/sizes.sh [PROFILE]
#
#   PROFILE  a profile of Cargo.toml (dist, the one that is shipped)
#
# Each line has the features, the bytes of the stripped binary, and how many times that of the line before it is.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-dist}
target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
before=0
for features in cli cli,parquet cli,parquet,protobuf; do
    cargo build --quiet --profile "$profile" --bin kseg --no-default-features --features "$features"
    size=$(stat --format %s "$target/$profile/kseg")
    if [ "$before" = 0 ]; then
        printf '%-22s %9d\n' "$features" "$size"
    else
        printf '%-22s %9d  %s\n' "$features" "$size" "$(awk "BEGIN { printf \"%.3f\", $size / $before }")"
    fi
    before=$size
done
