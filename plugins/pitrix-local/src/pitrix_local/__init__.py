"""The provider ``local``: machines are process trees on this very host.

A machine is a folder, a loopback address of its own, and the processes started inside. Where the
host allows it, it sees a file system of its own (mode ``namespace``); elsewhere it writes below the
folder named by ``PITRIX_ROOT`` (mode ``prefix``). Neither is a wall against hostile programs.

``provider`` is what the core loads and ``machine`` what runs as processes of their own, with the
standard library alone. Nothing is imported here, so that those processes start fast.
"""
