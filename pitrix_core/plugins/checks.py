"""Checks what a plugin's entry point names before anybody works with it."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

import attrs

from pitrix_core.contracts import AppType, Interface, KeyProvider, Provider, RepoKind
from pitrix_core.convert import schema_of
from pitrix_core.plugins.discovery import PluginInfo, load_error

#: Versions of the contracts that this core works with.
SUPPORTED_CONTRACTS: Final = (1,)


def checked_provider(loaded: object, info: PluginInfo) -> type[Provider[Any, Any]]:
    """Return a provider's class.

    :raises PluginLoadError: it is none, or does not fulfil the contract's form.
    """
    if not (isinstance(loaded, type) and issubclass(loaded, Provider)):
        raise load_error(info, f"{_kind(loaded)} is no subclass of pitrix_core.Provider")
    _check_complete(loaded, info)
    _check_version(loaded, info)
    if getattr(loaded, "name", None) != info.name:
        raise load_error(info, f"its class names itself {getattr(loaded, 'name', None)!r}")
    for member in ("settings", "credential"):
        _check_form(getattr(loaded, member), member, info)
    return loaded


def checked_interface(loaded: object, info: PluginInfo) -> type[Interface]:
    """Return the abstract class of an interface that a plugin brings.

    :raises PluginLoadError: it is none, or its name is not its entry point's.
    """
    if not (isinstance(loaded, type) and issubclass(loaded, Interface)):
        raise load_error(info, f"{_kind(loaded)} is no subclass of pitrix_core.Interface")
    if getattr(loaded, "name", None) != info.name:
        raise load_error(info, f"its class names itself {getattr(loaded, 'name', None)!r}")
    return loaded


def checked_key_provider(loaded: object, info: PluginInfo) -> type[KeyProvider]:
    """Return the class of a key provider.

    :raises PluginLoadError: it is none, or does not fulfil the contract's form.
    """
    if not (isinstance(loaded, type) and issubclass(loaded, KeyProvider)):
        raise load_error(info, f"{_kind(loaded)} is no subclass of pitrix_core.KeyProvider")
    _check_complete(loaded, info)
    _check_version(loaded, info)
    if getattr(loaded, "name", None) != info.name:
        raise load_error(info, f"its class names itself {getattr(loaded, 'name', None)!r}")
    _check_form(loaded.settings, "settings", info)
    return loaded


def checked_repo_kind(loaded: object, info: PluginInfo) -> type[RepoKind]:
    """Return the class of a kind of repo.

    :raises PluginLoadError: it is none, or does not fulfil the contract's form.
    """
    if not (isinstance(loaded, type) and issubclass(loaded, RepoKind)):
        raise load_error(info, f"{_kind(loaded)} is no subclass of pitrix_core.RepoKind")
    _check_complete(loaded, info)
    _check_version(loaded, info)
    if info.name not in getattr(loaded, "schemes", ()):
        raise load_error(info, f"its class does not have {info.name!r} among its schemes")
    for member in ("settings", "credential"):
        _check_form(getattr(loaded, member), member, info)
    return loaded


def checked_builder(loaded: object, info: PluginInfo) -> Callable[[Path], None]:
    """Return the function that writes an agent's archive to a path.

    :raises PluginLoadError: it cannot be called.
    """
    if not callable(loaded):
        raise load_error(info, f"{_kind(loaded)} cannot be called")
    return cast("Callable[[Path], None]", loaded)


def checked_app_type(found: object, info: PluginInfo) -> AppType[Any]:
    """Return an app type.

    :raises PluginLoadError: it is none, or does not fulfil the contract's form.
    """
    if not isinstance(found, AppType):
        raise load_error(info, f"pitrix_app_types: {_kind(found)} is no pitrix_core.AppType")
    _check_version(type(found), info)
    name = getattr(found, "name", None)
    if not (isinstance(name, str) and name):
        raise load_error(info, f"pitrix_app_types: {type(found).__name__} has no name")
    return found


def _check_complete(loaded: type, info: PluginInfo) -> None:
    if inspect.isabstract(loaded):
        missing = ", ".join(sorted(getattr(loaded, "__abstractmethods__", ())))
        raise load_error(info, f"{loaded.__name__} lacks {missing}")


def _check_version(loaded: type, info: PluginInfo) -> None:
    version = getattr(loaded, "contract_version", None)
    if version not in SUPPORTED_CONTRACTS:
        supported = ", ".join(map(str, SUPPORTED_CONTRACTS))
        raise load_error(
            info, f"it was written for contract version {version!r}; this core has {supported}"
        )


def _check_form(form: object, member: str, info: PluginInfo) -> None:
    if not (isinstance(form, type) and attrs.has(form)):
        raise load_error(info, f"{member}: {_kind(form)} is no attrs class")
    try:
        schema_of(form)
    except Exception as ex:  # the plugin's types decide what may happen
        raise load_error(info, f"{member}: {form.__name__} has no JSON Schema: {ex}") from ex


def _kind(found: object) -> str:
    return found.__name__ if isinstance(found, type) else f"an object of {type(found).__name__}"
