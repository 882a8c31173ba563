#!/bin/sh
# Prepares a new machine; safe to repeat.
set -eu
. "${PITRIX_ROOT:-}/opt/etcd/bin/common.sh"

mkdir -p "$data" "$(dirname "$pid_file")" "$(dirname "$log_file")"
chmod 0700 "$data"
