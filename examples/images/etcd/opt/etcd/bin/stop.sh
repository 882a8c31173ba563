#!/bin/sh
# Stops the member; done at once when it does not run.
set -eu
. "${PITRIX_ROOT:-}/opt/etcd/bin/common.sh"

pid=$(running_pid) || exit 0
kill "$pid" 2>/dev/null || exit 0

# A member hands its leadership over first. When all stop at once, the last one finds nobody to take
# it and would wait for long: it may be killed, for what it has answered is on its disk.
tries=25 # of 0.1 s
while [ "$tries" -gt 0 ] && running_pid >/dev/null; do
    sleep 0.1
    tries=$((tries - 1))
done
if running_pid >/dev/null; then
    kill -9 "$pid" 2>/dev/null || true
fi
rm -f "$pid_file"
