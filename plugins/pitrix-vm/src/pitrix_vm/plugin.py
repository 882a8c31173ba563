"""Registers the application type with the core."""

from collections.abc import Iterable
from typing import Any

from pitrix_core import AppType, hookimpl
from pitrix_vm.apptype import VmAppType


@hookimpl
def pitrix_app_types() -> Iterable[AppType[Any]]:
    """Return the one type of this plugin."""
    return (VmAppType(),)
