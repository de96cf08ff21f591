#!/usr/bin/env bash
# fuzz.sh TIME: runs each fuzz target of the module for TIME, one after the other.
set -euo pipefail
grep -rlE '^func Fuzz' --include='*_test.go' . | sort | while read -r file; do
  grep -oE '^func Fuzz[A-Za-z0-9_]*' "$file" | awk '{print $2}' | while read -r target; do
    echo "--- $(dirname "$file") $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" "$(dirname "$file")"
  done
done
