#!/usr/bin/env bash
# build.sh DIR: builds the pinned tools of tools/go.mod into DIR.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p "$1"
for tool in $(go list tool); do
  GOBIN=$1 go install "$tool"
done
touch "$1/ready"
