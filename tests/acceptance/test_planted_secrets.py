"""Secrets that are planted in a whole run are found nowhere but where they have to be."""

import base64
import contextlib
import functools
import http.server
import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import psutil
import pytest

from pitrix_core.store import Cipher, Store, make_engine

from .conftest import Installation, local_settings
from .second_app import PASSWORD, write_image, write_package

#: Planted by the test; others are made on the way, and looked up in the database.
API_KEY = "planted-api-key-51c0"
REPO_PASSWORD = "planted-repo-password-77d2"
WRONG_PASSWORD = "planted-wrong-password-9b13"
LOGIN_PASSWORD = "planted login password 40aa"
PLANTED = (API_KEY, REPO_PASSWORD, WRONG_PASSWORD, LOGIN_PASSWORD, PASSWORD)
#: Logs all there is to be logged, and reads repos of this machine.
WORDY = {"PITRIX_LOG_LEVEL": "debug", "PITRIX_PRIVATE_REPOS": "all"}
#: Shorter texts are found by chance.
_LEAST = 8
#: What machines print, and what their programs log.
_LOGS = ("**/*.log", "**/log")


@attrs.frozen
class Found:
    """A secret in the clear."""

    where: str
    #: What stands around it.
    excerpt: str


class GuardedFiles(http.server.SimpleHTTPRequestHandler):
    """Serves a folder to who knows the password."""

    def do_GET(self) -> None:
        """Answer."""
        pair = base64.b64encode(f"vendor:{REPO_PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {pair}":
            self.send_error(401)
            return
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder, and give its URL."""
    handler = functools.partial(GuardedFiles, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def wordy(tmp_path: Path) -> Iterator[Installation]:
    """A running installation that logs at debug level."""
    home = tmp_path / "home"
    home.mkdir()
    made = Installation(data=tmp_path / "data", home=home, settings=WORDY)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        for process in made.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def test_no_secret_is_found_where_it_does_not_belong(
    wordy: Installation, tmp_path: Path, etcd_folder: str
) -> None:
    """Not in any table but encrypted, nor in logs, answers, events, plans, errors or the audit."""
    write_image(tmp_path / "images")
    package = write_package(tmp_path)
    wordy.run("package", "build", str(package), "-o", str(tmp_path / "repo"))
    answers: list[str] = []
    with served(tmp_path / "repo") as url:
        shown_once = _live(wordy, url, local_settings(etcd_folder, tmp_path / "images"), answers)

    answers += _everything_shown(wordy)
    first = (wordy.data / "token").read_text().strip()
    secrets = {*PLANTED, *shown_once, first, *_kept(wordy)}
    wordy.stop()

    assert len(secrets) > len(PLANTED) + len(shown_once) + 1
    assert " DEBUG " in (wordy.home / "serve.log").read_text()
    assert _found_in(secrets, _texts(wordy, answers)) == []


def _live(wordy: Installation, url: str, settings: list[str], answers: list[str]) -> set[str]:
    """Do what has to do with secrets, rightly and wrongly; return those that were shown once."""

    def ask(method: str, path: str, body: Any = None) -> httpx.Response:
        base, token = ((wordy.data / name).read_text().strip() for name in ("url", "token"))
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"{method}{len(answers)}"}
        answer = httpx.request(method, f"{base}/v1/{path}", json=body, headers=headers, timeout=60)
        answers.append(f"{answer.headers} {answer.text}")
        return answer

    place = {"name": "mine", "url": url}
    wrong = {"username": "vendor", "password": WRONG_PASSWORD}
    refused = ask("POST", "repos", {**place, "credential": wrong})
    unfit = ask("POST", "repos", {**place, "credential": {"pass": REPO_PASSWORD}})
    right = {"username": "vendor", "password": REPO_PASSWORD}
    added = ask("POST", "repos", {**place, "credential": right})
    assert [a.status_code for a in (refused, unfit, added)] == [422, 422, 201], answers

    fake = {"name": "fake", "provider": "fake", "credential": {"api_key": API_KEY}}
    ask("POST", "runtimes", {**fake, "credential": {"api_key": [API_KEY]}})
    ask("POST", "runtimes", fake)
    ask("POST", "runtimes/fake/check")
    ask("POST", "users", {"name": "alice", "password": LOGIN_PASSWORD})
    ask("POST", "users", {"name": "bob", "password": LOGIN_PASSWORD[:5]})
    logged_in = ask("POST", "sessions", {"name": "alice", "password": LOGIN_PASSWORD})
    ask("POST", "sessions", {"name": "alice", "password": WRONG_PASSWORD})
    assert logged_in.status_code == 201, logged_in.text
    answers.remove(f"{logged_in.headers} {logged_in.text}")  # the one place for a cookie
    made = ask("POST", "tokens", {"name": "ci"})
    answers.remove(f"{made.headers} {made.text}")  # the one place for a token

    wordy.run("runtime", "add", "here", *settings)
    wordy.run("deploy", "hello", "--runtime", "here", "--name", "bad", "--yes", check=False)
    options = ["--set", f"env.web.password={PASSWORD}", "--set", "cluster.web.count=1"]
    ran = wordy.run("deploy", "hello", "--runtime", "here", "--name", "one", "--yes", *options)
    shown = wordy.run("cluster", "show", "one", "--json")
    answers += [ran.out + ran.err, shown.out]
    wordy.run("secrets", "rotate", "--data-keys")
    for name in ("one", "bad"):
        wordy.run("cluster", "delete", name, "--yes", check=False)
    cookie = logged_in.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    return {made.json()["token"], cookie, logged_in.json()["csrf_token"]}


def _everything_shown(wordy: Installation) -> list[str]:
    """Return every answer there is to be had."""
    paths = [
        *("repos", "runtimes", "clusters", "jobs", "events", "audit", "users", "tokens"),
        *("sessions", "frontgates", "apps", "plugins", "clusters?hidden=true"),
    ]
    found = [_shown(wordy, path) for path in paths]
    for job in json.loads(found[paths.index("jobs")])["items"]:
        found += [_shown(wordy, f"jobs/{job['id']}"), _shown(wordy, f"jobs/{job['id']}/tasks")]
        found += [
            _shown(wordy, f"plans/{job['plan_id']}"),
            _shown(wordy, f"clusters/{job['cluster_id']}"),
        ]
    return found


def _shown(wordy: Installation, path: str) -> str:
    base, token = ((wordy.data / name).read_text().strip() for name in ("url", "token"))
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{base}/v1/{path}", headers=headers, timeout=60).text


def _kept(wordy: Installation) -> set[str]:
    """Return every secret that the database knows, or the parts of it that are secret."""
    engine = make_engine(f"sqlite:///{wordy.data / 'pitrix.db'}")
    store = Store(engine, cipher=Cipher.from_file(wordy.data / "key"))
    try:
        with engine.connect() as connection:
            ids = [row[0] for row in connection.exec_driver_sql("SELECT id FROM secrets")]
        with store.read() as tx:
            texts = [tx.secrets.get(secret_id) for secret_id in ids]
    finally:
        store.close()
    parts = {line for text in texts for line in _parts(text)}
    return {part for part in parts if len(part) >= _LEAST}


def _parts(text: str) -> list[str]:
    if text.startswith("-----BEGIN"):  # of PEM, the private key's first line
        return text.splitlines()[1:2]
    with contextlib.suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, dict):
            return [value for name, value in found.items() if name != "username"]
    return [text]


def _texts(wordy: Installation, answers: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield all that was kept or said, by where."""
    with sqlite3.connect(wordy.data / "pitrix.db") as connection:
        for line in connection.iterdump():
            yield line[:60], line.encode()
    for path in [wordy.home / "serve.log", *_logs_of_machines(wordy.data)]:
        yield path.name, path.read_bytes()
    for answer in answers:
        yield "an answer", answer.encode()


def _logs_of_machines(data: Path) -> list[Path]:
    return [
        path for pattern in _LOGS for path in data.glob(f"runtimes/{pattern}") if path.is_file()
    ]


def _found_in(secrets: set[str], texts: Iterator[tuple[str, bytes]]) -> list[Found]:
    pattern = re.compile(b"|".join(re.escape(secret.encode()) for secret in sorted(secrets)))
    return [
        Found(
            where, content[max(0, match.start() - 80) : match.end() + 20].decode(errors="replace")
        )
        for where, content in texts
        for match in pattern.finditer(content)
    ]
