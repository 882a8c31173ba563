"""Labels and descriptions of a package in other languages."""

import json
from typing import Any

import pytest
from vm_packages import config_json, group, leaf

from pitrix_core.findings import Level
from pitrix_core.package import Package
from pitrix_vm.form import Locales, form_schema, read_form, read_locales


def locales_of(**files: Any) -> Locales:
    """Return the translations in these files, named by their language with ``_`` for ``-``."""
    texts = {
        f"locale/{name.replace('_', '-')}.json": content
        if isinstance(content, str)
        else json.dumps(content, ensure_ascii=False)
        for name, content in files.items()
    }
    encoded = {name: text.encode() for name, text in texts.items()}
    return read_locales(Package(digest="sha256:0", files={"config.json": b"", **encoded}))


@pytest.mark.parametrize(
    ("language", "name"),
    [
        pytest.param("zh-cn", "名称", id="the-same"),
        pytest.param("zh-CN", "名称", id="capital-letters"),
        pytest.param("zh_CN", "名称", id="underscore"),
        pytest.param("zh", "名称", id="a-dialect-of-it"),
        pytest.param("zh-TW", "名称", id="another-dialect"),
        pytest.param("de-AT", "Bezeichnung", id="without-dialect"),
        pytest.param("fr", "The name", id="english"),
        pytest.param("", "The name", id="none"),
    ],
)
def test_the_nearest_language_is_taken(language: str, name: str) -> None:
    """Then English, then the text itself."""
    locales = locales_of(
        zh_cn={"Name": "名称"}, de={"Name": "Bezeichnung"}, en={"Name": "The name"}
    )

    assert locales.into(language)("Name") == name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Name", "名称", id="translated"),
        pytest.param("Count", "How many", id="only-into-english"),
        pytest.param("Empty", "Empty", id="translated-into-nothing"),
        pytest.param("Size", "Size", id="not-translated"),
        pytest.param("err_code5", "错误", id="error-of-a-command"),
    ],
)
def test_each_text_is_looked_up_for_itself(text: str, expected: str) -> None:
    """A translation need not be complete."""
    into = locales_of(
        zh_cn={"Name": "名称", "Empty": "", "err_code5": "错误"}, en={"Count": "How many"}
    ).into("zh-cn")

    assert into(text) == expected


def test_a_schema_is_in_the_users_language() -> None:
    """Labels and descriptions are translated, keys and values are not."""
    form = read_form(
        config_json({**group("cluster", leaf("count", default=1, description="d")), "label": "C"})
    )
    into = locales_of(de={"C": "Verbund", "Count": "Anzahl", "d": "Wie viele"}).into("de")

    cluster = form_schema(form, translate=into)["properties"]["cluster"]

    assert cluster["title"] == "Verbund"
    assert cluster["properties"]["count"] == {
        "title": "Anzahl",
        "description": "Wie viele",
        "type": "integer",
        "default": 1,
        "x-order": 0,
    }


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param("{", "package.json", id="not-json"),
        pytest.param([], "form.locale", id="no-object"),
        pytest.param({"Name": 1}, "form.locale", id="no-text"),
        pytest.param('{"Name": "x",}', "json.comma", id="comma"),
    ],
)
def test_a_broken_translation_does_no_harm(content: Any, code: str) -> None:
    """Its author is told, and the package stays usable."""
    locales = locales_of(de=content)

    assert [(f.level, f.code, f.file) for f in locales.findings] == [
        (Level.WARNING, code, "locale/de.json")
    ]
    assert locales.into("de")("Count") == "Count"


def test_what_is_no_translation_is_left_alone() -> None:
    """Only JSON files right in the folder are read."""
    files = {"locale/README.md": b"x", "locale/old/de.json": b"{", "de.json": b"{"}

    assert read_locales(Package(digest="sha256:0", files=files)) == Locales()
