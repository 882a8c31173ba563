"""Runs the programs of ``pitrix_local.machine`` as processes of their own.

They get an environment made for them; of pitrix's own, only PATH, LANG and where the certificates
are.
"""

import functools
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pitrix_local
from pitrix_core.errors import ProviderError, ProviderTemporaryError
from pitrix_local.machine.launch import CONSOLE_FILE

#: What tells programs of the host where the certificates are.
CERTIFICATE_VARIABLES: Final = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NIX_SSL_CERT_FILE",
)
#: Where programs are when pitrix itself was started without PATH.
DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#: Isolated, without site-packages: fast, and blind to what is installed in the environment.
_PYTHON_OPTIONS: Final = ("-I", "-S", "-X", "utf8")
_CODE: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from pitrix_local.machine.{} import main; sys.exit(main(sys.argv[1:]))"
)
_PROBE_S: Final = 10.0


def run(
    command: str,
    folder: Path,
    *arguments: str,
    environment: Mapping[str, str],
    operation: str,
    timeout_s: float,
) -> None:
    """Run one command on a machine's folder, until a detached process has taken over.

    :param command: the module of ``pitrix_local.machine`` that is it: ``boot`` or ``end``.
    :param operation: what is tried; the error begins with it.
    :raises ProviderError: the process did not start; the machine's console says why.
    :raises ProviderTemporaryError: it did not start in time, or somebody killed it.
    """
    with (folder / CONSOLE_FILE).open("ab") as console:
        try:
            ended = subprocess.run(
                _command_line(command, folder, *arguments),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd="/",
                start_new_session=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as ex:
            raise ProviderTemporaryError(
                f"{operation}: {command} did not start within {timeout_s} s", retry_after_s=1.0
            ) from ex
    if ended.returncode < 0:  # which says nothing about the machine: the host was short of memory
        raise ProviderTemporaryError(
            f"{operation}: {command} was killed by signal {-ended.returncode}", retry_after_s=1.0
        )
    if ended.returncode:
        raise ProviderError(
            f"{operation}: {command} did not start (exit code {ended.returncode})",
            next_step=f"Read {folder / CONSOLE_FILE}.",
        )


@functools.cache
def namespace_refusal(folder: Path) -> str:
    """Try once per process whether machines can have namespaces here.

    :param folder: where to try; it has to be there.
    :returns: why not; empty when they can.
    """
    try:
        ended = subprocess.run(
            _command_line("probe", folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=plain_environment(),
            start_new_session=True,
            timeout=_PROBE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the trial did not end within {_PROBE_S} s"
    if not ended.returncode:
        return ""
    said = (ended.stdout or ended.stderr).decode("utf-8", "replace").strip()
    return said.splitlines()[-1] if said else f"the trial ended with {ended.returncode}"


def plain_environment() -> dict[str, str]:
    """Return what every program may know of pitrix's own environment."""
    kept = {name: os.environ[name] for name in CERTIFICATE_VARIABLES if name in os.environ}
    return {
        **kept,
        "PATH": os.environ.get("PATH", DEFAULT_PATH),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
    }


def _command_line(command: str, folder: Path, *arguments: str) -> list[str]:
    sources = str(Path(pitrix_local.__file__).parent.parent)
    python = [sys.executable, *_PYTHON_OPTIONS, "-c", _CODE.format(command)]
    return [*python, sources, str(folder), *arguments]
