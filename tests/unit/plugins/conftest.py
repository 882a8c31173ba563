"""Plugins for the tests: sound ones, and the things that may be wrong with one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pitrix_core import AppType, Context, hookimpl
from pitrix_core.model import Runtime
from pitrix_core.testing.fake_provider import FakeCredential, FakeProvider, FakeSettings


class SampleType(AppType[Any]):
    """An app type that does nothing but exist."""

    def __init__(self, name: str) -> None:
        self.name = name

    def claims(self, index: Any) -> Any:
        return False

    def parse(self, reader: Any) -> Any:
        raise NotImplementedError

    def config_schema(self, spec: Any, *, language: Any = "en") -> Any:
        raise NotImplementedError

    def requires(self, spec: Any) -> Any:
        raise NotImplementedError

    def plan(self, request: Any) -> Any:
        raise NotImplementedError


class TypesPlugin:
    """A plugin that adds app types."""

    def __init__(self, *types: object) -> None:
        self.types = types

    @hookimpl
    def pitrix_app_types(self) -> Any:
        return self.types


class RaisingPlugin:
    """A plugin whose every hook raises."""

    @hookimpl
    def pitrix_app_types(self) -> Any:
        raise RuntimeError("no types today")

    @hookimpl
    def pitrix_template_names(self) -> Any:
        raise RuntimeError("no names today")

    @hookimpl
    def pitrix_cli(self, group: Any) -> Any:
        group.commands["half"] = group
        raise RuntimeError("no commands today")

    @hookimpl
    def pitrix_check_package(self, reader: Any) -> Any:
        raise RuntimeError("no check today")

    @hookimpl
    def pitrix_review_plan(self, plan: Any) -> Any:
        raise RuntimeError("no review today")

    @hookimpl
    def pitrix_event(self, event: Any) -> Any:
        raise RuntimeError("no ears today")


@pytest.fixture
def sample_type() -> Callable[[str], SampleType]:
    """Return a function that makes an app type of a name."""
    return SampleType


@pytest.fixture
def types_plugin() -> Callable[..., TypesPlugin]:
    """Return a function that makes a plugin which adds app types."""
    return TypesPlugin


@pytest.fixture
def raising_plugin() -> RaisingPlugin:
    """Return a plugin whose every hook raises."""
    return RaisingPlugin()


@pytest.fixture
def build_fake(tmp_path: Path) -> Callable[..., FakeProvider]:
    """Return a function that builds a fake provider, or a subclass of it, with settings."""

    def build(cls: type[FakeProvider] = FakeProvider, **settings: Any) -> FakeProvider:
        return cls(
            Runtime(id="rt-1", name="fake", provider="fake", owner="admin"),
            settings=FakeSettings(**settings),
            credential=FakeCredential(api_key="k3y-of-the-account"),
            context=Context(installation_id="a" * 32, state_dir=tmp_path / "state"),
        )

    return build
