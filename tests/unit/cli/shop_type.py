"""An app type for trying the verbs of package authors, and packages of it.

A package is ``shop.json``: a schema, and documents in which ``"$name"`` stands for a value.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from pitrix_core import AppType, Finding, Level, hookimpl
from pitrix_core.contracts.authoring import Documents
from pitrix_core.errors import InvalidInputError, TemplateRenderError
from pitrix_core.model import PackageIndex, PackageSpec
from pitrix_core.package import describe

ABOUT = {"name": "shop", "version": "1.0.0", "description": "Sells", "icon": "i"}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["password"],
    "properties": {
        "size": {"type": "integer", "title": "Size", "default": 2, "minimum": 1, "maximum": 9},
        "password": {"type": "string", "title": "Password", "writeOnly": True, "minLength": 8},
        "till": {
            "type": "object",
            "title": "Till",
            "properties": {"port.no": {"type": "integer", "title": "Port", "default": 80}},
        },
    },
}
DOCUMENT = {"shelves": "$size", "secret": "$password", "till": {"port": "$till.port.no"}}


@attrs.frozen(kw_only=True)
class ShopSpec(PackageSpec):
    """What ``shop.json`` says."""

    schema: Mapping[str, Any]
    documents: Mapping[str, Any]


class Shop(AppType[ShopSpec]):
    """Shops."""

    name = "shop"
    dialects = ("plain", "fancy")

    def claims(self, index: PackageIndex) -> bool:
        return index.has("shop.json")

    def parse(self, reader: Any) -> ShopSpec:
        said = reader.read_json("shop.json")
        return ShopSpec(info=describe(reader), schema=said["schema"], documents=said["documents"])

    def validate(self, spec: ShopSpec) -> list[Finding]:
        return [Finding(level=Level.WARNING, code="shop.sign", message="there is no sign")]

    def config_schema(self, spec: ShopSpec, *, language: str = "en") -> Mapping[str, Any]:
        return spec.schema

    def requires(self, spec: ShopSpec) -> frozenset[str]:
        return frozenset()

    def plan(self, request: Any) -> Any:
        raise NotImplementedError

    def documents(self, spec: ShopSpec, config: Mapping[str, Any]) -> Documents:
        files = {name: _filled(value, config) for name, value in spec.documents.items()}
        findings = [
            Finding(level=Level.ERROR, code="shop.large", message="too large", pointer="/shelves")
            for document in files.values()
            if document.get("shelves") == 9
        ]
        return Documents(files=files, findings=tuple(findings))

    def outline(self, spec: ShopSpec) -> Mapping[str, Any]:
        goods = [{"good": "bread", "price": 3}, {"good": "salt", "price": 12}]
        return {"documents": len(spec.documents), "owner": "", "goods": goods}

    def upgrade_findings(self, before: ShopSpec, after: ShopSpec) -> list[Finding]:
        gone = before.documents.keys() - after.documents.keys()
        return [
            Finding(level=Level.WARNING, code="shop.gone", message=f"{name} is gone")
            for name in sorted(gone)
        ]

    def skeleton(self, name: str, *, dialect: str = "") -> Mapping[str, bytes]:
        if dialect not in ("", *self.dialects):
            raise InvalidInputError(f"no dialect {dialect}")
        about = {**ABOUT, "name": name, "description": dialect or "plain"}
        return files_of(about=about)


@hookimpl
def pitrix_app_types() -> Iterable[AppType[Any]]:
    """Return the one type of this plugin."""
    return (Shop(),)


def files_of(
    *,
    about: Mapping[str, Any] | None = ABOUT,
    schema: Mapping[str, Any] = SCHEMA,
    documents: Mapping[str, Any] | None = None,
    **files: str,
) -> dict[str, bytes]:
    """Return the files of a package.

    :param files: further ones; ``__`` in a name stands for a slash, a single ``_`` for a dot.
    """
    shop = {"schema": schema, "documents": {"shop": DOCUMENT} if documents is None else documents}
    texts = {"shop.json": json.dumps(shop)}
    if about is not None:
        texts["package.json"] = json.dumps(about)
    named = {name.replace("__", "/").replace("_", "."): text for name, text in files.items()}
    return {name: text.encode() for name, text in {**texts, **named}.items()}


def write_package(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write a package into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def _filled(value: Any, config: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {name: _filled(member, config) for name, member in value.items()}
    if isinstance(value, list):
        return [_filled(item, config) for item in value]
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    group, _, rest = value.removeprefix("$").partition(".")
    try:
        return config[group][rest] if rest else config[group]
    except KeyError as ex:
        raise TemplateRenderError(f"shop.json: there is no parameter {value}") from ex
