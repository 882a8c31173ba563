"""Looks at a package as a server does when it indexes it, with the app types installed here.

Found while it is built, a mistake costs a second; found when it is indexed, a version.
"""

from pitrix_core.catalog.guard import asking
from pitrix_core.catalog.recognise import read_package
from pitrix_core.cli.plugin_commands import quiet_plugins
from pitrix_core.errors import PackageInvalidError, UnknownPackageError
from pitrix_core.findings import Finding, Level, errors_in
from pitrix_core.plugins import PluginRegistry


def remarks_on(content: bytes) -> list[Finding]:
    """Return what the package's app type, and plugins, have to say about an archive.

    A package that no app type recognises is not checked: its own may be installed elsewhere.

    :raises PackageError: it cannot be read or offered; the findings say why.
    """
    registry = PluginRegistry()
    with quiet_plugins():
        app_types, hooks = registry.app_types(), registry.hooks()
    try:
        package = read_package(content, app_types)
    except UnknownPackageError as ex:
        message = f"It was not checked: {ex.message}"
        return [Finding(level=Level.WARNING, code=ex.code, message=message, next_step=ex.next_step)]
    with asking(package.app_type, to="look at the package"):
        remarks = package.app_type.validate(package.spec)
    app_type = package.app_type.name
    findings = [*remarks, *hooks.check_package(package.reader, package.spec, app_type=app_type)]
    if errors_in(findings):
        raise PackageInvalidError("The package cannot be offered.", findings=findings)
    return findings
