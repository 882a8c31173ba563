"""Completes what is typed in a shell: names of the server's things, paths and choices of forms.

Here belongs what a shell asks for while a line is typed. It never writes into the user's line, and
gives up after a moment: a server that does not answer completes nothing.
"""
