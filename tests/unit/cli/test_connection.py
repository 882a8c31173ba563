"""Which server a verb talks to."""

from pathlib import Path

import pytest

from pitrix_core.cli import connection
from pitrix_core.cli.problems import CliError


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """A data folder as ``pitrix serve`` leaves it."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "url").write_text("http://127.0.0.1:8000\n")
    (folder / "token").write_text("from-folder\n")
    return folder


def test_the_data_folder_says_where_and_with_what(served: Path) -> None:
    """On one machine nothing has to be set."""
    found = connection.target(url=None, token=None, data=served, environ={})

    assert found == connection.Target(url="http://127.0.0.1:8000", token="from-folder")


def test_the_environment_wins_over_the_folder(served: Path) -> None:
    """PITRIX_URL and PITRIX_TOKEN are taken before the folder's."""
    environ = {"PITRIX_URL": "https://example.org", "PITRIX_TOKEN": "from-environment"}

    found = connection.target(url=None, token=None, data=served, environ=environ)

    assert found == connection.Target(url="https://example.org", token="from-environment")


def test_options_win_over_the_environment(served: Path) -> None:
    """What is typed counts."""
    environ = {"PITRIX_URL": "https://example.org", "PITRIX_TOKEN": "from-environment"}

    found = connection.target(url="http://typed", token="typed", data=served, environ=environ)

    assert found == connection.Target(url="http://typed", token="typed")


def test_the_folders_token_is_not_shown_to_another_server(served: Path) -> None:
    """A token goes to the server it is for."""
    found = connection.target(url="https://example.org", token=None, data=served, environ={})

    assert found.token is None


def test_a_token_is_not_in_what_is_printed_of_a_target() -> None:
    """A traceback or a log would show it."""
    assert "secret" not in repr(connection.Target(url="http://x", token="secret"))


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        pytest.param({"PITRIX_DATA": "/d", "XDG_DATA_HOME": "/x"}, "/d", id="named"),
        pytest.param({"XDG_DATA_HOME": "/x", "HOME": "/h"}, "/x/pitrix", id="xdg"),
        pytest.param({"HOME": "/h"}, "/h/.local/share/pitrix", id="home"),
    ],
)
def test_the_data_folder_is_found(environ: dict[str, str], folder: str) -> None:
    """PITRIX_DATA, else the XDG folder, else the one below the home."""
    assert connection.data_folder(None, environ=environ) == Path(folder)


def test_a_folder_without_a_server_says_so(tmp_path: Path) -> None:
    """The message names the folder that was looked at."""
    with pytest.raises(CliError, match=str(tmp_path)):
        connection.target(url=None, token=None, data=tmp_path, environ={})
