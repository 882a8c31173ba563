"""Reading confd's resource files."""

from __future__ import annotations

import os
import pathlib

import pytest

from pitrix_drone.resources import Resource, ResourceError, load_resources, read_resource


def written(folder: pathlib.Path, text: str, name: str = "app.toml") -> pathlib.Path:
    """Write a resource file."""
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_every_field_is_read(tmp_path: pathlib.Path) -> None:
    """Modes are octal; a name stands before a number."""
    path = written(
        tmp_path,
        """[template]
        src = "a.tmpl"
        dest = "/etc/a"
        keys = ["/hosts", "/env"]
        prefix = "/self"
        mode = "0750"
        uid = 5
        owner = "root"
        gid = 7
        check_cmd = "true {{.src}}"
        reload_cmd = "false"
        """,
    )

    assert read_resource(path) == Resource(
        name="app.toml",
        src="a.tmpl",
        dest="/etc/a",
        keys=("/hosts", "/env"),
        mode=0o750,
        uid="root",
        gid=7,
        check_cmd="true {{.src}}",
        reload_cmd="false",
    )


_LEAST = '[template]\nsrc = "a"\ndest = "/a"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[template", "app.toml: cannot be read: "),
        ("[other]", "app.toml: template: "),
        ('[template]\ndest = "/a"', "app.toml: src: is needed"),
        pytest.param("a = " + "[" * 5000, "app.toml: cannot be read", id="nested-too-deep"),
        ('[template]\nsrc = "a"', "app.toml: dest: is needed"),
        ('[template]\nsrc = "a"\ndest = "a"', "app.toml: dest: write an absolute path"),
        (_LEAST + 'mode = "rwx"', "app.toml: mode: write octal digits"),
        (_LEAST + 'mode = "77777"', "app.toml: mode: write octal digits"),
        (_LEAST + "mode = 644", "app.toml: mode: write text"),
        (_LEAST + 'keys = "/"', "app.toml: keys: write a list"),
        (_LEAST + 'uid = "root"', "app.toml: uid: write a number"),
        (_LEAST + "reload_cmd = true", "app.toml: reload_cmd: write text"),
    ],
)
def test_a_bad_resource_names_file_and_field(
    tmp_path: pathlib.Path, text: str, message: str
) -> None:
    """So that its author knows where to look."""
    with pytest.raises(ResourceError) as caught:
        read_resource(written(tmp_path, text))

    assert str(caught.value).startswith(message)


def test_a_bad_resource_leaves_the_others(tmp_path: pathlib.Path) -> None:
    """One problem, one resource less."""
    written(tmp_path, _LEAST, "b.toml")
    written(tmp_path, "?", "a.toml")

    loaded = load_resources(tmp_path, dialect="confd")

    assert [resource.name for resource in loaded.resources] == ["b.toml"]
    assert len(loaded.problems) == 1


@pytest.mark.parametrize(
    ("dialect", "wanted"),
    [
        pytest.param("confd", ["_a.toml", "b.toml", "c.windows.toml"], id="confd"),
        pytest.param("openpitrix", ["b.toml"], id="libconfd"),
    ],
)
def test_libconfd_passes_over_some_names(
    tmp_path: pathlib.Path, dialect: str, wanted: list[str]
) -> None:
    """Those that begin with an underscore, and those for another system."""
    for name in ("_a.toml", "b.toml", "c.windows.toml"):
        written(tmp_path, _LEAST, name)

    loaded = load_resources(tmp_path, dialect=dialect)

    assert [resource.name for resource in loaded.resources] == wanted


def test_folders_are_gone_through(tmp_path: pathlib.Path) -> None:
    """As confd does."""
    (tmp_path / "deep/er").mkdir(parents=True)
    written(tmp_path / "deep/er", _LEAST)

    assert len(load_resources(tmp_path, dialect="confd").resources) == 1


def test_names_of_fields_are_taken_in_any_case(tmp_path: pathlib.Path) -> None:
    """As the TOML reader of confd does."""
    resource = read_resource(
        written(tmp_path, '[Template]\nSrc = "a"\nDEST = "/x/../a"\nReload_Cmd = "true"')
    )

    assert (resource.src, resource.dest, resource.reload_cmd) == ("a", "/a", "true")


def test_no_folder_is_no_resources(tmp_path: pathlib.Path) -> None:
    """An image needs no confd."""
    assert load_resources(tmp_path / "none", dialect="confd") == ((), ())


def test_the_resources_of_published_applications_can_be_read() -> None:
    """All but one, which has a line end in a string and is no TOML."""
    shared = os.environ.get("PITRIX_SHARED")
    if not shared:
        pytest.skip("PITRIX_SHARED=FOLDER pytest tests/test_resources.py; see README.md")
    loaded = load_resources(pathlib.Path(shared) / "corpus/confd", dialect="appcenter")

    assert len(loaded.resources) > 100
    assert [problem.split(":")[0] for problem in loaded.problems] == ["storm.yaml.toml"]
