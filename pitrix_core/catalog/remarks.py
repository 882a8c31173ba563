"""Remarks on a repo: what is wrong in its index, and with the packages that were read of it."""

from collections.abc import Sequence
from typing import Final

from pitrix_core.errors import PackageDigestError, PitrixError
from pitrix_core.findings import Finding, Level
from pitrix_core.store import Transaction

#: Findings that are kept with a repo, and versions whose findings are among them.
_FINDINGS_LIMIT: Final = 200
_VERSIONS_LIMIT: Final = 50


def remarks_on(tx: Transaction, repo_id: str) -> tuple[Finding, ...]:
    """Return what is wrong with a repo as it is now: of its index, then of its packages."""
    of_versions = tx.readings.findings(repo_id, limit=_VERSIONS_LIMIT)
    return bounded([*tx.indexing.findings(repo_id), *of_versions], limit=_FINDINGS_LIMIT)


def bounded(findings: Sequence[Finding], *, limit: int, left_out: int = 0) -> tuple[Finding, ...]:
    """Return as many findings as are kept, and how many are not.

    :param left_out: how many were left out before.
    """
    more = left_out + max(0, len(findings) - limit)
    if not more:
        return tuple(findings)
    last = Finding(
        level=Level.WARNING,
        code="index.more",
        message=f"There are {more} findings more, which are not kept.",
        next_step="Repair these first.",
    )
    return (*findings[:limit], last)


def differing(first: str, now: str) -> PackageDigestError:
    """Return the error of a version whose archive is another one by now."""
    return PackageDigestError(
        f"It was indexed with {first} and is listed with {now} now; the first one stays.",
        next_step="A released version never changes: release another version.",
    )


def left_out(about: str, ex: PitrixError) -> Finding:
    """Return the finding of a version that is not taken as it is.

    :param about: its app's name and its version.
    """
    return Finding(
        level=Level.ERROR,
        code=ex.code,
        message=f"{about}: {ex.message}",
        file=about,
        next_step=ex.next_step,
    )
