"""Hooks: what many plugins may do at once. Seven, in the order they fire; no more without a reason.

A plugin is a module (or object) with functions of these names, marked with :data:`hookimpl`, found
in the entry-point group ``pitrix.plugins``. An implementation may leave out arguments it does not
need. The rest of the program calls hooks through the typed façade ``pitrix_core.plugins.hooks``
only.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click

    from pitrix_core.contracts.apptype import AppType
    from pitrix_core.contracts.calls import ProviderCall
    from pitrix_core.contracts.reader import PackageReader
    from pitrix_core.findings import Finding
    from pitrix_core.model import PackageSpec, Plan, Runtime

hookspec = pluggy.HookspecMarker("pitrix")
hookimpl = pluggy.HookimplMarker("pitrix")

# -- at start --------------------------------------------------------------------------------------


@hookspec
def pitrix_app_types() -> "Iterable[AppType[Any]]":  # type: ignore[empty-body]
    """Return the application types this plugin adds.

    Called once per process, when the first app type is needed. Process: all. Transaction: none.

    :returns: objects, each with a ``name`` no other has.
    :raises Exception: the plugin is reported as broken; the others' types stay.

    .. versionadded:: 0.1
    """


@hookspec
def pitrix_template_names() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Return names to be seen by packages' templates with logic, such as ``cluster.json.j2``.

    Called once per process, before the app types are told of the names
    (:meth:`~pitrix_core.contracts.apptype.AppType.with_template_names`). Process: all.
    Transaction: none.

    :returns: name → value or function. A name is an identifier; the package's own names hide it,
        and names of other plugins are not replaced. A value is JSON, or an object with functions
        in it. A function takes JSON and returns JSON; it must be pure, and quick whatever it is
        given, for packages are written by strangers and nothing interrupts it. What it raises
        becomes an error of the template that calls it.
    :raises Exception: the plugin is reported as broken; its names are missing.

    .. versionadded:: 0.1
    """


@hookspec
def pitrix_cli(group: "click.Group") -> None:
    """Add commands to the command line.

    Called once per run of ``pitrix``, after the core's own commands are there. Process: CLI.
    Transaction: none.

    :param group: the root group; a name that is taken is an error naming both distributions.
    :raises Exception: reported as a warning; the command line goes on without the plugin.

    .. versionadded:: 0.1
    """


# -- packages and plans ----------------------------------------------------------------------------


@hookspec
def pitrix_check_package(  # type: ignore[empty-body]
    reader: "PackageReader", spec: "PackageSpec", app_type: str
) -> "list[Finding]":
    """Look at a package that its app type could read, and remark on it.

    Called when a package is indexed, uploaded or linted. Process: API, runner, CLI. Transaction:
    none.

    :param reader: the checked archive.
    :param spec: as the app type read it.
    :param app_type: name of the app type.
    :returns: findings; one of level ``error`` keeps the version from being offered. An empty list
        means no objection.
    :raises Exception: becomes a finding of level ``error`` that names the plugin.

    .. versionadded:: 0.1
    """


@hookspec
def pitrix_review_plan(  # type: ignore[empty-body]
    plan: "Plan", runtime: "Runtime"
) -> "list[Finding]":
    """Look at a plan before it is stored, and object if need be.

    Called once per plan, after it is built; the core's own quotas are reviewed in the same way.
    Process: API. Transaction: none.

    :param plan: frozen; changing a plan is not possible here. ``owner`` is whose cluster it is
        about; ``totals`` is the difference to what is there, negative for what is freed; ``price``
        and each task's are what is added a month.
    :param runtime: where it would run; credentials are not readable.
    :returns: findings; one of level ``error`` keeps the plan from being applied. An empty list
        means no objection.
    :raises Exception: becomes a finding of level ``error`` that names the plugin.

    .. versionadded:: 0.1
    """


# -- while it runs ---------------------------------------------------------------------------------


@hookspec(firstresult=True)
def pitrix_provider_call(call: "ProviderCall") -> object | None:
    """Stand around, or in the place of, every call of a provider: audit, metering, dry run, faults.

    Called for each call, in the thread that makes it. Process: runner, API (checks). Transaction:
    none. Usually implemented as a wrapper (``@hookimpl(wrapper=True)``): do something, ``result =
    yield``, do something, ``return result``.

    :param call: what is called, with which arguments; ``call.proceed()`` makes the real call.
    :returns: the call's result; None passes the call on to the next plugin and at last to the
        provider.
    :raises Exception: taken as if the provider had raised it.

    .. versionadded:: 0.1
    """


@hookspec
def pitrix_event(event: Mapping[str, Any]) -> None:
    """Hear of something that happened.

    Not called yet: ``GET /v1/events`` tells what happened.

    Called after the transaction that made it so has committed; at least once per event, possibly
    late. Process: runner. Transaction: none.

    :param event: ``{"id", "kind", "at", "subject", "data"}``, all JSON; never holds a secret.
    :raises Exception: logged; the other plugins still hear of the event.

    .. versionadded:: 0.1
    """
