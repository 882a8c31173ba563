"""Gives each machine a loopback address of its own, over all runtimes of one user of the host.

A claim is a file named by the address in a folder of the user; its content is the machine's folder.
A claim whose machine is gone (its data folder was removed by hand) may be taken over. Other users
of the host have addresses of another part of 127.0.0.0/8, as far as their numbers allow, and an
address at which anything listens is never given away.
"""

import contextlib
import os
import re
import socket
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pitrix_local.machine.files import locked
from pitrix_local.machine.launch import STATE_FILE

#: Second octets given to users; below are the addresses people pick by hand.
_FIRST_OCTET: Final = 32
_OCTETS: Final = 224 - _FIRST_OCTET
#: Values of the third and the fourth octet: neither 0 nor 255, for both surprise some programs.
_VALUES: Final = 254
_TRIES: Final = 4096
#: What looks like an address of ours. Source: :func:`_address`.
_GIVEN: Final = re.compile(r"127(\.[1-9][0-9]{0,2}){3}")
#: State of a listening socket. Source: <net/tcp_states.h>.
_LISTEN: Final = "0A"


class NoAddressError(Exception):
    """No free loopback address was found."""


def claims_folder() -> Path:
    """Return where this user's claims are; it need not be there."""
    state_home = Path(os.environ.get("XDG_STATE_HOME", ""))
    base = state_home if state_home.is_absolute() else Path.home() / ".local/state"
    return base / "pitrix" / "loopback"


@contextlib.contextmanager
def claimed(claims: Path, machine: Path, *, wanted: str = "", timeout_s: float) -> Iterator[str]:
    """Claim a free address for a machine whose ``state.json`` is written inside the block.

    :param machine: the machine's folder, as it will be.
    :param wanted: an address that was given to a machine before; it gets another one where this is
        not free.
    :raises NoAddressError: none is free.
    :raises TimeoutError: the folder of the claims is locked by somebody else.
    """
    with _locked_folder(claims, timeout_s):
        address = _pick(claims, machine, wanted)
        (claims / address).write_text(str(machine), encoding="utf-8")
        try:
            yield address
        except BaseException:
            (claims / address).unlink()
            raise


def release(claims: Path, address: str, machine: Path, *, timeout_s: float) -> None:
    """Give an address back; nothing happens when another machine has it by now.

    :raises TimeoutError: the folder of the claims is locked by somebody else.
    """
    with contextlib.suppress(FileNotFoundError), locked(claims, timeout_s=timeout_s):
        if (claims / address).read_text(encoding="utf-8") == str(machine):
            (claims / address).unlink()
        with contextlib.suppress(OSError):  # not empty, or another user's parent
            claims.rmdir()
            claims.parent.rmdir()


@contextlib.contextmanager
def _locked_folder(claims: Path, timeout_s: float) -> Iterator[None]:
    """Lock the folder; the last machine's end may remove it between making and locking it."""
    with contextlib.ExitStack() as stack:
        while True:
            claims.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                stack.enter_context(locked(claims, timeout_s=timeout_s))
                break
        yield


def _pick(claims: Path, machine: Path, wanted: str) -> str:
    """Try addresses from a place of the machine's own, so that few are tried twice."""
    start = zlib.crc32(str(machine).encode())
    listening = _listening()
    given = [wanted] if _GIVEN.fullmatch(wanted) else []
    for address in (*given, *map(_address, range(start, start + _TRIES))):
        if address not in listening and _is_free(claims / address) and _is_ours(address):
            return address
    raise NoAddressError(f"none of {_TRIES} tried addresses of 127.0.0.0/8 is free; see {claims}")


def _address(number: int) -> str:
    third, fourth = divmod(number % (_VALUES * _VALUES), _VALUES)
    return f"127.{_FIRST_OCTET + os.getuid() % _OCTETS}.{third + 1}.{fourth + 1}"


def _is_free(claim: Path) -> bool:
    try:
        owner = Path(claim.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return True
    return not (owner / STATE_FILE).exists()


def _is_ours(address: str) -> bool:
    """Say whether the host lets us listen there; not every host has all of 127.0.0.0/8."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _listening() -> set[str]:
    """Return the addresses at which any user's program listens."""
    found = set()
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN:
                number = int(fields[1].partition(":")[0], 16)
                found.add(socket.inet_ntoa(struct.pack("=I", number)))
    return found
