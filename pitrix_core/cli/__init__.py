"""The command line: a thin client of the REST API, and the verbs that start the servers.

Here belong verbs, how their answers look in a terminal, and the demo. Whatever a verb does to a
deployment goes through the API, so that a program can do the same. Modules are imported when their
verb is typed: ``pitrix --help`` has to answer at once.
"""
