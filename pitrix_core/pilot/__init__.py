"""The server end of the agents, and the task kinds that talk to them.

``server.py`` holds the Frontgates' connections, in a process of its own: it drains the outbox and
fills the inbox. ``tasks.py`` and ``frontgates.py`` run inside the runner: they write to the outbox
and look into the inbox. The two sides meet in the database only, so any number of each may run.
What is said is in ``agents/protocol``.
"""
