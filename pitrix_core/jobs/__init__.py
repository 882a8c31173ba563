"""Jobs: carries plans out, so that nothing is lost and nothing is done twice.

Here belongs how a task is claimed, started, polled, retried and taken over. Not here: what a kind
of task does (``provider_tasks`` hands that to providers, ``pitrix_core.pilot.tasks`` to agents),
and SQL (``pitrix_core.store.queue``).

One task, from the runner's side::

    claim ── request key and moment of sending committed ──▶ start ─▶ operation saved ─▶ poll … ─▶
    result
                                                              │
          died here: settle (send again, or wait and find) ◀──┘

``worker.py`` decides one step of one task; ``runner.py`` has the threads; ``effects.py`` says what
a step's outcome changes beside the task.
"""
