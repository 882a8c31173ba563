# What the other scripts share; not run by itself. Machines without a root of their own name theirs
# in PITRIX_ROOT, so every path begins with it.

root="${PITRIX_ROOT:-}"
settings="$root/opt/etcd/etc/etcd.env"
pid_file="$root/opt/etcd/run/etcd.pid"
log_file="$root/var/log/etcd.log"
data="$root/data/etcd"

# Prints the member's process id, and fails when it does not run.
running_pid() {
    pid=$(cat "$pid_file" 2>/dev/null) || return 1
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = etcd ] || return 1
    if grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null; then return 1; fi
    echo "$pid"
}

# Succeeds when the member serves clients, which takes a leader and so most of the members.
is_healthy() {
    if command -v curl >/dev/null 2>&1; then
        curl --silent --max-time 3 --noproxy '*' "$ETCD_ADVERTISE_CLIENT_URLS/health" |
            grep -q '"health":"true"'
    else
        ETCDCTL_API=3 etcdctl --endpoints "$ETCD_ADVERTISE_CLIENT_URLS" --command-timeout 3s \
            endpoint health >/dev/null 2>&1
    fi
}

fail() {
    echo "etcd: $*" >&2
    exit 1
}
