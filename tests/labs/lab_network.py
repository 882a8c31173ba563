"""Networks of one machine: namespaces, what joins them, and links that are cut and healed.

Only the address of a process is changed (``nsenter --net``), not what it sees of the disk: what is
made inside of a namespace can be seen, and taken away, from outside.
"""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

_LIMIT_S: Final = 30
_END_S: Final = 10.0
#: The bridge of a network, in the namespace of its own.
_BRIDGE: Final = "bridge"
#: Where the tests themselves run, for the functions that take a namespace's name.
HERE: Final = ""


def inside(namespace: str) -> list[str]:
    """Return the words before a command that is to run there."""
    return ["nsenter", f"--net=/run/netns/{namespace}", "--"]


def add(namespace: str) -> None:
    """Make a namespace with a loopback; nothing else is there, and nothing can be reached."""
    _ip("netns", "add", namespace)
    _ip("-n", namespace, "link", "set", "lo", "up")


def add_bridge(namespace: str) -> None:
    """Make a namespace that is the wire of a network."""
    add(namespace)
    _ip("-n", namespace, "link", "add", _BRIDGE, "type", "bridge")
    _ip("-n", namespace, "link", "set", _BRIDGE, "up")


def plug_in(machine: str, *, bridge: str, port: str, address: str) -> None:
    """Join a machine's namespace to a network.

    :param port: name of the network's end, of at most 15 characters; what :func:`cut` cuts.
    :param address: with the length of its prefix.
    """
    _join(machine, "eth0", bridge, port)
    _ip("-n", bridge, "link", "set", port, "master", _BRIDGE)
    _ip("-n", machine, "address", "add", address, "dev", "eth0")


def connect(machine: str, *, address: str, to: str, port: str, gateway: str) -> None:
    """Give a machine a line of its own to another namespace, and all its traffic goes there.

    :param address: with the length of its prefix, as *gateway*, which is the other end's.
    """
    _join(machine, "eth1", to, port)
    _ip("-n", machine, "address", "add", address, "dev", "eth1")
    add_address(to, port, gateway)
    _ip("-n", machine, "route", "add", "default", "via", gateway.partition("/")[0])


def add_address(namespace: str, port: str, address: str) -> None:
    """Give an end of a link one more address.

    :param address: with the length of its prefix.
    """
    _ip(*_of(namespace), "address", "add", address, "dev", port)


def delete_address(namespace: str, port: str, address: str) -> None:
    """Take an address away without a word: what is sent there is lost from now on."""
    _ip(*_of(namespace), "address", "delete", address, "dev", port)


def cut(namespace: str, port: str) -> None:
    """Stop a link without a word: neither end is told but by silence."""
    _ip(*_of(namespace), "link", "set", port, "down")


def heal(namespace: str, port: str) -> None:
    """Let a link that was cut work again."""
    _ip(*_of(namespace), "link", "set", port, "up")


def unplug(namespace: str, port: str) -> None:
    """Take a link away with both of its ends.

    What a killed process had to send keeps its namespace for minutes, and the links in it.
    """
    _ip(*_of(namespace), "link", "delete", port)


def processes(namespace: str) -> list[int]:
    """Return who runs in a namespace; nobody where there is none."""
    found = subprocess.run(
        ["ip", "netns", "pids", namespace],
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    return [int(word) for word in found.stdout.split()]


def end_processes(namespace: str) -> None:
    """End all that runs in a namespace at once, as a power cut would."""
    deadline = time.monotonic() + _END_S
    while (left := processes(namespace)) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    if left:
        raise TimeoutError(f"{namespace}: processes {left} do not end")


def remove(namespace: str) -> None:
    """End what runs in a namespace, and take it away with its links; one that is gone is right."""
    if namespace in _listed():
        end_processes(namespace)
        _ip("netns", "delete", namespace)


def remove_all(beginning: str) -> None:
    """Take all namespaces away whose names begin so."""
    for namespace in _listed():
        if namespace.startswith(beginning):
            remove(namespace)


def remove_orphans(beginning: str) -> None:
    """Take away what test runs left that were killed: *beginning*, their process's id, a dash.

    Of :data:`HERE` the links of that name.
    """
    for namespace in filter(lambda name: _is_orphan(name, beginning), _listed()):
        remove(namespace)
    links = [line.split()[0].partition("@")[0] for line in _ip("-brief", "link").splitlines()]
    for port in filter(lambda name: _is_orphan(name, beginning), links):
        unplug(HERE, port)


def _is_orphan(name: str, beginning: str) -> bool:
    owner = name.removeprefix(beginning).partition("-")[0]
    is_ours = name.startswith(beginning) and owner.isdigit()
    return is_ours and not Path("/proc", owner).exists()


def _listed() -> list[str]:
    return [line.split()[0] for line in _ip("netns", "list").splitlines() if line]


def _join(first: str, device: str, second: str, port: str) -> None:
    pair = ["name", device, "type", "veth", "peer", "name", port]
    # The kernel takes a process for the namespace that it runs in.
    _ip("-n", first, "link", "add", *pair, "netns", second or str(os.getpid()))
    _ip("-n", first, "link", "set", device, "up")
    _ip(*_of(second), "link", "set", port, "up")


def _of(namespace: str) -> list[str]:
    return ["-n", namespace] if namespace else []


def _ip(*words: str) -> str:
    done = subprocess.run(
        ["ip", *words], capture_output=True, text=True, timeout=_LIMIT_S, check=False
    )
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout
