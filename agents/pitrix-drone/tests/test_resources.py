"""Reading confd's resource files."""

from __future__ import annotations

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
    """Files whose names begin with a dot or an underscore are passed over."""
    written(tmp_path, _LEAST, "b.toml")
    written(tmp_path, "?", "a.toml")
    written(tmp_path, "?", "_c.toml")
    written(tmp_path, "?", ".d.toml")

    loaded = load_resources(tmp_path)

    assert [resource.name for resource in loaded.resources] == ["b.toml"]
    assert len(loaded.problems) == 1


def test_no_folder_is_no_resources(tmp_path: pathlib.Path) -> None:
    """An image needs no confd."""
    assert load_resources(tmp_path / "none") == ((), ())
