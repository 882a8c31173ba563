#!/bin/sh
# Stops the member; done at once when it does not run.
set -eu
. "${PITRIX_ROOT:-}/opt/etcd/bin/common.sh"

pid=$(running_pid) || exit 0
kill "$pid" 2>/dev/null || exit 0

tries=80 # of 0.1 s: 8 s to hand over and close its files
while [ "$tries" -gt 0 ] && running_pid >/dev/null; do
    sleep 0.1
    tries=$((tries - 1))
done
if running_pid >/dev/null; then
    kill -9 "$pid" 2>/dev/null || true
fi
rm -f "$pid_file"
