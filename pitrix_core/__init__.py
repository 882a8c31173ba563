"""pitrix packages, deploys and manages applications of any type on any cloud.

This package is the core: it defines what plugins implement (``contracts``), plans, carries plans
out, and serves the API and the command line. It knows no cloud and no application type. The names
below are what plugin authors may rely on, with ``errors``, ``findings``, ``validation``, ``model``,
``contracts``, ``package`` and, in tests, ``testing``.

Layers, lower ones first; imports go downwards only::

    findings, validation, errors, model, contracts, package | convert, plugins, store,
    catalog | planner, jobs, pilot, service, rest | cli, wiring
"""

from pitrix_core import errors
from pitrix_core.contracts import (
    AppType,
    ComputeInterface,
    Context,
    ImageInterface,
    Interface,
    KeyProvider,
    NetworkInterface,
    Provider,
    RepoKind,
    VolumeInterface,
    starts,
)
from pitrix_core.contracts.hookspecs import hookimpl
from pitrix_core.model import Finding, Level, Operation, OperationState

__all__ = [
    "AppType",
    "ComputeInterface",
    "Context",
    "Finding",
    "ImageInterface",
    "Interface",
    "KeyProvider",
    "Level",
    "NetworkInterface",
    "Operation",
    "OperationState",
    "Provider",
    "RepoKind",
    "VolumeInterface",
    "errors",
    "hookimpl",
    "starts",
]
