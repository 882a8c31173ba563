"""Makes the user-data with which a machine starts its agent, and nothing else."""

import json
import shlex
from typing import Final

import attrs
import jinja2

from pitrix_core.model import AgentStart

#: Tries to fetch the agent: some nine minutes, in which a network may come up.
_TRIES: Final = 60

#: Seconds until an agent that ended is started again.
_AGAIN_S: Final = 3

#: Characters of the inline agent in a line.
_LINE: Final = 100

#: The script runs as the machine's first boot, as cloud-init runs it, with nothing but a shell and
#: Python; to run it again does no harm. Where no systemd is in charge of the machine it stays, and
#: starts an agent again that did not end because it was told to: nobody else would.
#:
#: What an image brings wins where it will do: a unit of this name is the image's own way to run the
#: agent, which is left to it; an archive that takes this configuration (``check``) is not fetched
#: again. The digest is asked first, as it is cheaper.
_SCRIPT: Final = r"""#!/bin/sh
# Starts the pitrix {{ agent }} of this machine; to run it again does no harm.
set -eu
umask 077
root="${PITRIX_ROOT:-}"
agent="$root/opt/pitrix/{{ agent }}.pyz"
config="$root/etc/pitrix/{{ agent }}.json"
unit=pitrix-{{ agent }}.service
changed=""

fail() {
  echo "pitrix: $1" >&2
  exit 1
}

# Writes standard input to a file, wholly or not at all.
put() {
  cat > "$1.new"
  if [ -f "$1" ] && [ "$(cat "$1")" = "$(cat "$1.new")" ]; then
    rm "$1.new"
  else
    mv "$1.new" "$1"
    changed=yes
  fi
}

agent() {
  python3 -I -S "$agent" "$@" --config "$config"
}

command -v python3 > /dev/null || fail "needs Python 3.9 or newer: use an image that has it"
mkdir -p "$root/opt/pitrix" "$root/etc/pitrix" "$root/var/lib/pitrix/{{ agent }}"
put "$config" <<'PITRIX_CONFIG'
{{ config }}
PITRIX_CONFIG

systemd="" own_unit=""
if [ -z "${PITRIX_INSTANCE:-}" ] && [ -d "$root/run/systemd/system" ]; then
  systemd=yes
  for folder in usr/lib lib; do
    if [ -f "$root/$folder/systemd/system/$unit" ]; then
      own_unit=yes
    fi
  done
fi

if [ -z "$own_unit" ]; then
  outcome=0
  python3 -I -S - "$agent" "$config" {{ source }} {{ digests }} <<'PITRIX_AGENT' || outcome=$?
import hashlib, os, subprocess, sys, time
if sys.version_info < (3, 9):
    sys.exit("pitrix: needs Python 3.9 or newer: use an image that has it")
target, config, source, wanted, other = sys.argv[1:]
def digest(content):
    return hashlib.sha256(content).hexdigest()
if os.path.exists(target):
    with open(target, "rb") as file:
        if digest(file.read()) in (wanted, other):
            sys.exit(0)
    check = [sys.executable, "-I", "-S", target, "check", "--config", config]
    if subprocess.run(check, stdin=subprocess.DEVNULL).returncode == 0:
        sys.exit(0)
{{ obtain }}
with open(target + ".new", "wb") as file:
    file.write(content)
os.replace(target + ".new", target)
sys.exit(10)
PITRIX_AGENT
  case $outcome in
    0) ;;
    10) changed=yes ;;
    *) exit 1 ;;
  esac
fi
{{ needs }}
umask 022
if [ -n "$systemd" ]; then
  if [ -z "$own_unit" ]; then
    mkdir -p "$root/etc/systemd/system"
    put "$root/etc/systemd/system/$unit" <<PITRIX_UNIT
{{ unit }}
PITRIX_UNIT
  fi
  sync
  systemctl daemon-reload
  systemctl enable "$unit"
  # Not waited for: this script may be part of what the machine's start waits for.
  if [ -n "$changed" ]; then
    systemctl --no-block restart "$unit"
  else
    systemctl --no-block start "$unit"
  fi
else
  until agent run; do
    echo "pitrix: the {{ agent }} ended; it is started again in {{ again_s }} s" >&2
    sleep {{ again_s }}
  done
fi
"""

#: A machine that has a Frontgate may reach nothing else: it asks both in turn.
_FETCH: Final = r"""import http.client, json, ssl, urllib.request
places = [(source, {{ authority }})]
with open(config, encoding="utf-8") as file:
    told = json.load(file)
if told.get("enrol_url"):
    places.append((told["enrol_url"] + "/v1/agents/{{ agent }}/" + wanted, told.get("ca")))
def fetched(url, authority):
    context = ssl.create_default_context(cadata=authority) if authority else None
    with urllib.request.urlopen(url, timeout=30, context=context) as answer:
        content = answer.read({{ size }} + 1)
    if digest(content) != wanted:
        raise OSError("its SHA-256 is not the one expected")
    return content
def obtained():
    for attempt in range({{ tries }}):
        for url, authority in places:
            try:
                return fetched(url, authority)
            except (OSError, http.client.HTTPException) as ex:
                print("pitrix: cannot fetch %s: %s" % (url, ex), file=sys.stderr, flush=True)
        time.sleep(min(10.0, 0.2 * 2 ** attempt))
    sys.exit(1)
content = obtained()"""

_UNPACK: Final = r"""import base64, lzma
packed = '''
{{ packed }}
'''
content = lzma.decompress(base64.b85decode("".join(packed.split())))
if digest(content) != wanted:
    sys.exit("pitrix: %s: its SHA-256 is not the one expected" % source)"""

#: A Frontgate is of no use without etcd. Under systemd, Debian's package would start an etcd of its
#: own, now and at each boot, on a port that the Frontgate needs: it is masked.
#: PITRIX_INSTANCE is set where the machine is a guest among others on one system.
_ETCD: Final = r"""
if [ -z "${PITRIX_INSTANCE:-}" ] && [ -z "$own_unit" ] && ! agent etcd; then
  command -v apt-get > /dev/null ||
    fail "no etcd, and no apt-get to install it: use an image that has etcd 3.4.23 or newer"
  mkdir -p "$root/etc/systemd/system"
  ln -sf /dev/null "$root/etc/systemd/system/etcd.service"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q -o Acquire::Retries=5 update ||
    echo "pitrix: apt-get update failed; what is known of packages has to do" >&2
  apt-get -qy -o Acquire::Retries=5 -o DPkg::Lock::Timeout=600 \
    install --no-install-recommends etcd-server < /dev/null ||
    fail "etcd-server could not be installed: use an image that has etcd 3.4.23 or newer"
  agent etcd || fail "the etcd of this distribution is not fit: use an image that has a fit one"
fi
"""

#: Where the operator has images mirrored, the network's nodes get a mirror of their own. It is not
#: needed: a Frontgate without one is as good as those of other networks.
_REGISTRY: Final = r"""
if [ -z "${PITRIX_INSTANCE:-}" ] && [ -z "$own_unit" ] &&
  command -v apt-get > /dev/null && ! command -v docker-registry > /dev/null; then
  mkdir -p "$root/etc/systemd/system"
  ln -sf /dev/null "$root/etc/systemd/system/docker-registry.service"
  DEBIAN_FRONTEND=noninteractive apt-get -qy -o Acquire::Retries=5 -o DPkg::Lock::Timeout=600 \
    install --no-install-recommends docker-registry < /dev/null ||
    echo "pitrix: docker-registry could not be installed; images are not mirrored here" >&2
fi
"""

_UNIT: Final = """\
[Unit]
Description=pitrix {{ agent }}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
# Where an image says by which proxy the way leads out. Source: pam_env(8), systemd.exec(5).
EnvironmentFile=-/etc/environment
ExecStart=$(command -v python3) -I -S $agent run --config $config
Restart=always
RestartSec={{ again_s }}
UMask=0022
{{ service }}

[Install]
WantedBy=multi-user.target"""

#: What the application's commands leave running belongs to the drone's unit: a drone that ends must
#: not end it, nor one of them that runs out of memory the drone, and all of them together may be
#: many. For the same reason the unit takes away nothing: what it took, the application would lack.
#: Source: systemd.kill(5), systemd.service(5), systemd.resource-control(5).
_DRONE: Final = """\
KillMode=process
OOMPolicy=continue
TasksMax=infinity"""

#: A Frontgate runs its own programs only, and writes below its own folder only.
#: Source: systemd.exec(5).
_FRONTGATE: Final = """\
KillMode=mixed
LimitNOFILE=65536
CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=$root/var/lib/pitrix
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
LockPersonality=yes"""

_OTHER: Final = "KillMode=mixed"
_SERVICE: Final = {"drone": _DRONE, "frontgate": _FRONTGATE}


@attrs.frozen(kw_only=True)
class PackedAgent:
    """An agent's archive as text, for user-data."""

    #: Base85 of its xz.
    text: str = attrs.field(repr=False)
    #: Of what it unpacks to, which is not the archive that is served byte for byte.
    sha256: str


@attrs.frozen(kw_only=True)
class AgentFile:
    """An agent's archive, as machines get it."""

    url: str
    sha256: str
    size_bytes: int
    packed: PackedAgent


@attrs.frozen(kw_only=True)
class FetchRules:
    """How machines fetch what does not fit into their user-data."""

    #: Certificates, PEM, of who signed the API's; empty for those that the machines trust.
    authority: str = ""
    #: How often it is tried, at each place, with growing pauses of at most 10 s.
    tries: int = _TRIES


def make_user_data(
    start: AgentStart,
    file: AgentFile,
    *,
    limit_bytes: int,
    rules: FetchRules | None = None,
    again_s: float = _AGAIN_S,
) -> str:
    """Return the script that gets, configures and runs an agent.

    The agent is inside where there is room for it: then the machine need not reach the API. One
    with a Frontgate need not anyway: it gets there what the API does not give it.

    :param limit_bytes: how much user-data the cloud takes.
    :param again_s: seconds until an agent that ended is started again.
    """
    inline = _script(
        start,
        digests=(file.packed.sha256, file.sha256),
        source="inline",
        obtain=_filled(_UNPACK, packed=_wrapped(file.packed.text)),
        again_s=again_s,
    )
    if len(inline.encode()) <= limit_bytes:
        return inline
    rules = rules or FetchRules()
    obtain = _filled(
        _FETCH,
        agent=start.agent,
        authority=json.dumps(rules.authority),
        size=file.size_bytes,
        tries=rules.tries,
    )
    digests = (file.sha256, file.packed.sha256)
    return _script(start, digests=digests, source=file.url, obtain=obtain, again_s=again_s)


def _script(
    start: AgentStart, *, digests: tuple[str, str], source: str, obtain: str, again_s: float
) -> str:
    """Fill in the script.

    :param digests: of what it obtains, and of what will do as well.
    """
    service = _SERVICE.get(start.agent, _OTHER)
    return _filled(
        _SCRIPT,
        agent=start.agent,
        config=json.dumps(start.config, indent=1, sort_keys=True),
        digests=shlex.join(digests),
        source=shlex.quote(source),
        obtain=obtain,
        needs=_needs(start),
        unit=_filled(_UNIT, agent=start.agent, service=service, again_s=again_s),
        again_s=again_s,
    )


def _needs(start: AgentStart) -> str:
    """Return what has to be on the machine beside Python."""
    if start.agent != "frontgate":
        return ""
    return _ETCD + (_REGISTRY if start.config.get("image_mirror") else "")


def _wrapped(text: str) -> str:
    return "\n".join(text[at : at + _LINE] for at in range(0, len(text), _LINE))


def _filled(template: str, **values: object) -> str:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 (a shell script; every value is quoted for it)
        keep_trailing_newline=True,
    )
    return environment.from_string(template).render(**values)
