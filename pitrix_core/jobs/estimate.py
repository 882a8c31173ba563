"""Estimates how long a job still takes, from how long tasks of the same kinds took before.

The estimate is the longest way through what is left of the graph: whatever does not have to wait
for something else is taken to happen at the same time. A task counts with the median of its kind on
its runtime. One that is under way has been at work for a while already: it counts with the median
of those that took longer than that, less that while. Where no task of a kind that is left has ever
succeeded there, nothing is said at all: a guess that is part invention helps nobody.
"""

import datetime as dt
import statistics
from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter

from pitrix_core.model import TaskState
from pitrix_core.store import Transaction
from pitrix_core.store.durations import TimedTask

#: Nothing more is to be waited for.
_OVER = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SKIPPED})


def remaining_s_of(tx: Transaction, job_id: str) -> float | None:
    """Return seconds until a job that is at work is likely to end.

    Reads the job's tasks and, for each kind among those that are left, the last few of that kind.

    :returns: None where too little is known.
    """
    tasks = tx.durations.tasks(job_id)
    left = [task for task in tasks if task.state not in _OVER]
    if not left:
        return 0.0
    # A job has one runtime.
    durations = tx.durations.of_kinds(left[0].runtime_id, {task.kind for task in left})
    return remaining_s(tasks, durations, now=tx.now)


def remaining_s(
    tasks: Iterable[TimedTask], durations_s: Mapping[str, Sequence[float]], *, now: dt.datetime
) -> float | None:
    """Return the length of the longest way through the tasks that are left, in seconds.

    :param durations_s: kind → seconds that tasks of it took before.
    :returns: None where one of a kind is left that ``durations_s`` does not have.
    """
    by_key = {task.key: task for task in tasks}
    left = {key: task for key, task in by_key.items() if task.state not in _OVER}
    if any(not durations_s.get(task.kind) for task in left.values()):
        return None
    ends_s = dict.fromkeys(by_key, 0.0)
    for key in TopologicalSorter({key: task.after for key, task in left.items()}).static_order():
        if key in left:
            begins_s = max((ends_s.get(before, 0.0) for before in left[key].after), default=0.0)
            ends_s[key] = begins_s + _left_s(left[key], durations_s[left[key].kind], now=now)
    return max(ends_s.values(), default=0.0)


def _left_s(task: TimedTask, durations_s: Sequence[float], *, now: dt.datetime) -> float:
    if task.started_at is None:
        return statistics.median(durations_s)
    so_far_s = (now - task.started_at).total_seconds()
    longer = [duration_s for duration_s in durations_s if duration_s > so_far_s]
    return statistics.median(longer) - so_far_s if longer else 0.0
