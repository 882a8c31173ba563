"""The error of a file that cannot be read as what it should be."""

from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Finding, Level
from pitrix_core.package.places import Place, placed


def invalid_file(
    file: str, code: str, message: str, *, place: Place | None = None
) -> PackageInvalidError:
    """Return an error with one finding, which has the place; the error's words have it as well.

    :param place: in the file; None where it is not known.
    """
    finding = placed(Finding(level=Level.ERROR, code=code, message=message, file=file), place)
    at = f"{place}: " if place else ""
    return PackageInvalidError(f"{file}: {at}{message}", findings=[finding])
