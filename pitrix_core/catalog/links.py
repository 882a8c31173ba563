"""What the links of a configuration ask for: which clusters, and of which apps."""

from collections.abc import Mapping, Sequence

from pitrix_core.catalog.guard import asking
from pitrix_core.catalog.recognise import ReadPackage
from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonObject, Link
from pitrix_core.store import Transaction
from pitrix_core.store.catalog import App, AppVersion
from pitrix_core.validation import resolve_pointer


def links_of(package: ReadPackage, config: JsonObject) -> dict[str, Link]:
    """Return the links of a configuration that are not empty, by their names.

    :raises TemplateRenderError: the package's template cannot be rendered with it.
    :raises PackageError: the app type fails to say, or says of a parameter what is not in it.
    """
    with asking(package.app_type, to="say what is linked"):
        links = package.app_type.links(package.spec, config)
        for name, link in links.items():
            if link.pointer and resolve_pointer(config, link.pointer) != link.cluster_id:
                raise ValueError(f"link {name}: {link.pointer} holds something else")
        return {name: link for name, link in sorted(links.items()) if link.cluster_id}


def limit_finding(tx: Transaction, link: Link, version: AppVersion) -> Finding | None:
    """Judge a cluster of an app version by the limits of a link; None where it fits.

    Packages from elsewhere name apps and versions by ids of their own catalogue. Where none of
    these is known here, nothing can be said, and the finding is a warning.
    """
    if not link.limits:
        return None
    app = tx.catalog.app(version.app_id)
    if app.id not in link.limits and app.name not in link.limits:
        return _app_finding(tx, link.limits, app)
    wanted = (*link.limits.get(app.id, ()), *link.limits.get(app.name, ()))
    if not wanted or version.id in wanted or version.version in wanted:
        return None
    return _version_finding(tx, wanted, app, version)


def _app_finding(tx: Transaction, limits: Mapping[str, Sequence[str]], app: App) -> Finding:
    wanted = ", ".join(sorted(limits))
    if not tx.catalog.has_app(limits):
        message = f"it is of app {app.name}; the package asks for {wanted}, unknown here"
        return Finding(level=Level.WARNING, code="link.app", message=message)
    message = f"it is of app {app.name}; the package asks for {wanted}"
    return Finding(level=Level.ERROR, code="link.app", message=message)


def _version_finding(
    tx: Transaction, wanted: Sequence[str], app: App, version: AppVersion
) -> Finding:
    names = {word for known in tx.catalog.versions(app.id) for word in (known.id, known.version)}
    message = f"it is of {app.name} {version.version}; the package asks for {', '.join(wanted)}"
    if names.isdisjoint(wanted):
        message += ", unknown here"
        return Finding(level=Level.WARNING, code="link.version", message=message)
    return Finding(level=Level.ERROR, code="link.version", message=message)
