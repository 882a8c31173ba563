"""From an action on a cluster to tasks: which machines, which commands, in which order.

Here: one module for each action, and what they share. Not here: reading packages.
"""
