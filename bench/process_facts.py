"""What the kernel knows of a process: its memory, and the time it took."""

import os
from pathlib import Path

import attrs


@attrs.frozen(kw_only=True)
class Memory:
    """Of a process, now."""

    rss_mib: float
    #: Its own pages, and its share of those it has together with others.
    pss_mib: float


def memory_of(pid: int) -> Memory:
    """Weigh a process. Source: proc_pid_smaps(5)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kib = {line.partition(":")[0]: float(line.split()[1]) for line in lines}
    return Memory(rss_mib=kib["Rss"] / 1024, pss_mib=kib["Pss"] / 1024)


def cpu_s(pid: int) -> float:
    """Return the seconds of a core that a process took so far. Source: proc_pid_stat(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
