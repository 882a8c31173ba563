"""Makes the user-data with which a machine starts its agent, and nothing else."""

import json
import shlex
from collections.abc import Callable
from typing import Final

import attrs
import jinja2

from pitrix_core.model import AgentStart

#: Tries to fetch the agent: some nine minutes, in which a network may come up.
_TRIES: Final = 60

#: Seconds until an agent that ended is started again. systemd gives a unit up that it started five
#: times within 10 s. Source: systemd.unit(5), StartLimitIntervalSec=.
_AGAIN_S: Final = 3

#: The script runs as the machine's first boot, as cloud-init runs it, with nothing but a shell and
#: Python. Where no systemd is in charge of the machine it stays, and starts an agent again that
#: did not end because it was told to: nobody else would.
_SCRIPT: Final = r"""#!/bin/sh
# Starts the pitrix {{ agent }} of this machine.
set -eu
umask 077
root="${PITRIX_ROOT:-}"
agent="$root/opt/pitrix/{{ agent }}.pyz"
config="$root/etc/pitrix/{{ agent }}.json"
mkdir -p "$root/opt/pitrix" "$root/etc/pitrix" "$root/var/lib/pitrix/{{ agent }}"
cat > "$config" <<'PITRIX_CONFIG'
{{ config }}
PITRIX_CONFIG
python3 - {{ url }} {{ sha256 }} "$agent" <<'PITRIX_FETCH'
import hashlib, http.client, os, sys, time, urllib.request
url, wanted, target = sys.argv[1:]
def is_right(path):
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest() == wanted
    except OSError:
        return False
for attempt in range({{ tries }}):
    if is_right(target):
        break
    try:
        opener = urllib.request.build_opener()
        with opener.open(url, timeout=30) as answer, open(target + ".part", "wb") as file:
            file.write(answer.read())
        if not is_right(target + ".part"):
            raise OSError("its SHA-256 is not the one expected")
        os.replace(target + ".part", target)
    except (OSError, http.client.HTTPException) as ex:
        print("pitrix: cannot fetch %s: %s" % (url, ex), file=sys.stderr, flush=True)
        time.sleep(min(10.0, 0.2 * 2 ** attempt))
sys.exit(0 if is_right(target) else 1)
PITRIX_FETCH
umask 022
if [ -z "${PITRIX_INSTANCE:-}" ] && [ -d /run/systemd/system ]; then
  systemd-run --unit=pitrix-{{ agent }} --property=Restart=always \
    --property=RestartSec={{ again_s }} python3 -I "$agent" run --config "$config"
else
  until python3 -I "$agent" run --config "$config"; do
    echo "pitrix: the {{ agent }} ended; it is started again in {{ again_s }} s" >&2
    sleep {{ again_s }}
  done
fi
"""


@attrs.frozen(kw_only=True)
class AgentFile:
    """An agent's archive, as machines fetch it."""

    url: str
    sha256: str


def make_user_data(
    start: AgentStart,
    *,
    file_of: Callable[[str], AgentFile],
    tries: int = _TRIES,
    again_s: float = _AGAIN_S,
) -> str:
    """Return the script that fetches, configures and runs an agent.

    :param file_of: name of an agent → where its archive is.
    :param tries: how often the script tries to fetch it, with growing pauses of at most 10 s.
    :param again_s: seconds until an agent that ended is started again.
    """
    file = file_of(start.agent)
    template = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 (a shell script; every value is quoted for it below)
        keep_trailing_newline=True,
    ).from_string(_SCRIPT)
    return template.render(
        agent=start.agent,
        config=json.dumps(start.config, indent=1, sort_keys=True),
        url=shlex.quote(file.url),
        sha256=shlex.quote(file.sha256),
        tries=tries,
        again_s=again_s,
    )
