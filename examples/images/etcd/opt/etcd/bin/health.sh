#!/bin/sh
# Succeeds when the member serves.
set -eu
. "${PITRIX_ROOT:-}/opt/etcd/bin/common.sh"
[ -r "$settings" ] || fail "$settings is not there: the machine has no configuration yet"
. "$settings"

running_pid >/dev/null || fail "it does not run"
is_healthy || fail "it does not serve $ETCD_ADVERTISE_CLIENT_URLS"
