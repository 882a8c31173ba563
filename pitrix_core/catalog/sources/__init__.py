"""The core's own kinds of repos; others are plugins (``pitrix.repo_kinds``).

One module for each kind, found by its entry point as plugins' are. Here belongs what reads or
writes a repo's storage; what an index means is the business of ``pitrix_core.package``.
"""
