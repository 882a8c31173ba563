"""What the verbs for authors of packages work out, from a package and its app type alone.

Here: opening packages where they lie, checking them and reporting what was found, rendering them
with a configuration, comparing two of them, trying the cases their authors wrote, beginning a new
one, signing. Not here: what is typed and printed (``pitrix_core.cli.verbs.packages``), and what a
package means, which its app type knows.
"""
