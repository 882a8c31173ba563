"""The environment variables in which a shell asks what can be typed next."""

from typing import Final

#: Says which shell asks; there is nothing else to do then. Source: click's documents, shell
#: completion: ``_PROGRAM_COMPLETE``.
COMPLETION: Final = "_PITRIX_COMPLETE"
#: The line as it stands, and the characters at which the shell breaks it: of bash only.
LINE: Final = "PITRIX_LINE"
BREAKS: Final = "PITRIX_BREAKS"
