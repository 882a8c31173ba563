#!/bin/sh
# Starts the member as a daemon, and waits until it serves. The members need one another for that,
# so all are started at a time.
set -eu
. "${PITRIX_ROOT:-}/opt/etcd/bin/common.sh"

[ -r "$settings" ] || fail "$settings is not there: the machine has no configuration yet"
. "$settings"

if ! running_pid >/dev/null; then
    mkdir -p "$(dirname "$pid_file")" "$(dirname "$log_file")"
    # From a shell of its own, so that it is not left behind as this one's dead child.
    (
        setsid etcd --data-dir "$data" </dev/null >>"$log_file" 2>&1 &
        echo "$!" >"$pid_file"
    )
fi

tries=150 # of 0.2 s: 30 s, then somebody should look
while [ "$tries" -gt 0 ]; do
    if is_healthy; then
        echo "etcd: $ETCD_NAME serves $ETCD_ADVERTISE_CLIENT_URLS"
        exit 0
    fi
    sleep 0.2
    tries=$((tries - 1))
    if ! running_pid >/dev/null; then
        tail -n 20 "$log_file" >&2
        fail "it ended at once; its last words are above, and in $log_file"
    fi
done
tail -n 20 "$log_file" >&2
fail "it does not serve after 30 s; do the other members run? See $log_file"
