"""Runs an application that is a container, on the machine that is its node.

The container is made from what the metadata say, gets the files that its image's confd resources
make, and is started; from then on commands run in it. An image without resources is configured by
its environment: the container is made anew when that changes. All of this is a comparison of what
is with what should be, done again at each pass, so that it goes on wherever it was interrupted.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any, Callable, Final, NamedTuple

from pitrix_drone.config import Layout
from pitrix_drone.engine import Container, Engine, EngineError, Wanted, exec_arguments
from pitrix_drone.files import remove_folder, sha256_of, write_durably
from pitrix_drone.mirrors import Source, full_name, sources
from pitrix_drone.processes import Entered, Shell
from pitrix_drone.render import Commands, Rendered, Renderer, RenderError
from pitrix_drone.resources import load_resources

#: Where it stands in a node's metadata. Source: agents/protocol/README.md, section 6.
PATH: Final = "container"
_ENVIRONMENT: Final = "/self/env/"
#: Looser than the engines' own rules, but never an option of a command line.
_IMAGE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,511}")
#: What the engines take in a file of variables. Source: docker's opts/file.go, read 2026-11.
_VARIABLE: Final = re.compile(r"[^#=/\s\0][^=/\s\0]*")
_STEADY_S: Final = 1.0


class ContainerError(Exception):
    """The container cannot be made; the message says why."""


class Asked(NamedTuple):
    """What the metadata ask for.

    :param image: its full name.
    :param mirror: URL of a mirror of Docker's registry; may be empty.
    """

    image: str
    mount_points: tuple[str, ...] = ()
    mirror: str = ""


def read_container(text: str) -> Asked:
    """Read what stands in a node's metadata.

    :raises ContainerError: it is malformed; the message names the member.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise ContainerError("not a JSON object")
    image, mirror = data.get("image"), data.get("mirror", "")
    mount_points = data.get("mount_points", [])
    if not isinstance(image, str) or not _IMAGE.fullmatch(image):
        raise ContainerError("image: the name of a container's image is needed")
    if not isinstance(mount_points, list) or not all(map(_is_folder, mount_points)):
        raise ContainerError("mount_points: a list of absolute paths without a colon is needed")
    if not isinstance(mirror, str) or not (
        not mirror or mirror.startswith(("http://", "https://"))
    ):
        raise ContainerError("mirror: a URL such as https://HOST is needed")
    return Asked(full_name(image), tuple(mount_points), mirror)


def _is_folder(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("/") and not {":", "\0", "\n"} & set(value)


class _Files(Layout):
    """Where files of the container are on the machine, below a folder of the drone's."""

    @property
    def state(self) -> pathlib.Path:
        """The folder for what is not the container's own."""
        return pathlib.Path(self.root).parent

    @property
    def confd(self) -> pathlib.Path:
        """The image's resources and templates."""
        return self.state / "confd"


class Note:
    """What the drone knows of the container it made; on disk, for it outlives the drone."""

    def __init__(self, file: pathlib.Path) -> None:
        self._file = file
        try:
            self._facts: dict[str, Any] = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            self._facts = {}

    def get(self, name: str) -> Any:
        """Return a fact; None if there is none."""
        return self._facts.get(name)

    def add(self, **facts: Any) -> None:
        """Take note of more; it is on disk when this returns."""
        self.replace(**{**self._facts, **facts})

    def replace(self, **facts: Any) -> None:
        """Take note of this and forget all else; it is on disk when this returns."""
        if facts != self._facts:
            self._facts = facts
            write_durably(self._file, json.dumps(facts))


class Inside(Shell):
    """Where commands run: in the node's container, on the machine if it has none. Thread-safe."""

    def __init__(self, note: Note) -> None:
        self._note = note

    def enter(self, command: str) -> Entered:
        """Return what runs a command.

        :raises OSError: the container is being made: a command of its package is nothing for the
            machine.
        """
        if not self._note.get("is_asked_for"):
            return super().enter(command)
        program, container = self._note.get("program"), self._note.get("id")
        if not program or not container:
            raise OSError("the node's container is not there")
        mark = os.urandom(8).hex()
        return Entered(exec_arguments(program, container, command, mark=mark), mark)


class Application:
    """Brings a node's container up to date; one pass at a time.

    :param mirror: returns the URL of the network's own mirror, which is trusted then, or an empty
        text; asked before an image is got.
    :param steady_s: a container that ends within this was not started.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        node_id: str,
        prefix: str,
        dialect: str,
        stop: threading.Event,
        mirror: Callable[[], str],
        steady_s: float = _STEADY_S,
    ) -> None:
        folder = layout.state / "container"
        self._files = _Files(root=str(folder / "files"))
        self._scratch = layout.state / "scratch"
        self._note = Note(folder / "note.json")
        self._name = f"pitrix-{node_id}"
        self._prefix = prefix
        self._dialect = dialect
        self._stop = stop
        self._mirror = mirror
        self._steady_s = steady_s
        self._engine: Engine | None = None
        self.shell = Inside(self._note)

    def render(self, text: str | None, values: Mapping[str, str]) -> Rendered:
        """Have the container there, with its files, and running.

        :param text: what the metadata ask for; None if the node is to have no container any more.
        :param values: the metadata: absolute path → value.
        """
        try:
            if text is None:
                self._remove()
                return Rendered((), ())
            return self._brought_up(read_container(text), values)
        except (ContainerError, EngineError, OSError) as ex:
            return Rendered((), (f"container: {ex}",))

    @property
    def is_asked_for(self) -> bool:
        """Tell whether the node is to have a container, as far as was heard."""
        return bool(self._note.get("is_asked_for"))

    def _engine_here(self) -> Engine:
        if self._engine is None:
            self._engine = Engine(stop=self._stop, scratch=self._scratch)
        return self._engine

    def _brought_up(self, asked: Asked, values: Mapping[str, str]) -> Rendered:
        self._note.add(is_asked_for=True)
        engine = self._engine_here()
        container = self._made(engine, asked, values)
        _require_inside(self._files.confd, self._dialect)
        delivery = _Delivery(engine, container.id, self._files, self._note, scratch=self._scratch)
        renderer = Renderer(
            self._files,
            prefix=self._prefix,
            dialect=self._dialect,
            commands=_InContainer(
                delivery,
                is_running=container.is_running,
                stop=self._stop,
                scratch=self._scratch,
                shell=self.shell,
            ),
        )
        rendered = renderer.render(values)
        delivery.bring()
        if not container.is_running:
            self._start(engine, container.id)
        return rendered

    def _made(self, engine: Engine, asked: Asked, values: Mapping[str, str]) -> Container:
        """Return the container, made anew where it is not the one that is asked for."""
        environment = _environment(values)
        image_id = engine.image_id(asked.image) or self._pulled(engine, asked)
        wanted = _digest([asked.image, asked.mount_points, image_id])
        found = engine.find(self._name)
        if found is not None and self._is_right(found, wanted, environment):
            return found
        self._note.replace(is_asked_for=True)
        for folder in (pathlib.Path(self._files.root), self._files.state / "reloads"):
            remove_folder(folder)
        pathlib.Path(self._files.root).mkdir(parents=True)
        if found is not None:
            engine.remove(self._name)
        made = engine.create(
            Wanted(self._name, asked.image, environment, asked.mount_points, (self._files.root,))
        )
        self._take_resources(engine)
        facts = {"wanted": wanted, "environment": _digest(environment)}
        self._note.add(program=engine.program, id=made, delivered={}, **facts)
        return Container(made, is_running=False, exit_code=0)

    def _is_right(self, found: Container, wanted: str, environment: Mapping[str, str]) -> bool:
        has_resources = (self._files.confd / "conf.d").is_dir()
        is_current = has_resources or self._note.get("environment") == _digest(environment)
        return (self._note.get("id"), self._note.get("wanted")) == (found.id, wanted) and is_current

    def _pulled(self, engine: Engine, asked: Asked) -> str:
        mirrors = tuple(filter(None, (self._mirror(), asked.mirror)))
        problems = []
        for source in sources(asked.image, mirrors):
            problem = _problem_with(engine, source, asked.image)
            if not problem:
                return engine.image_id(asked.image) or ""
            problems.append(f"{source.reference}: {problem}")
        raise ContainerError(f"image {asked.image} cannot be got: {'; '.join(problems)}")

    def _take_resources(self, engine: Engine) -> None:
        """Copy what the image configures itself by; links are left out, for they lead elsewhere
        on the machine.
        """
        target = self._files.confd
        remove_folder(target)
        engine.copy_out(self._name, "/etc/confd", target)
        for path in sorted(target.rglob("*")):
            if path.is_symlink():
                path.unlink()

    def _start(self, engine: Engine, container: str) -> None:
        engine.start(container)
        self._stop.wait(self._steady_s)
        now = engine.find(self._name)
        if now is None or not now.is_running:
            code = "" if now is None else f" with exit code {now.exit_code}"
            raise ContainerError(f"it ended at once{code}: {engine.last_words(container)}")

    def _remove(self) -> None:
        engine = self._engine_here()
        if engine.find(self._name) is not None:
            engine.remove(self._name)
        self._note.replace()


def _require_inside(confd: pathlib.Path, dialect: str) -> None:
    """Make sure that an image's resources read templates of its own only.

    :raises ContainerError: one leads to the machine.
    """
    for resource in load_resources(confd / "conf.d", dialect=dialect).resources:
        src = pathlib.PurePosixPath(resource.src)
        if src.is_absolute() or ".." in src.parts:
            raise ContainerError(f"{resource.name}: src leads out of the image")


def _problem_with(engine: Engine, source: Source, image: str) -> str:
    """Get an image from one place, and return what went wrong, if anything did."""
    try:
        engine.pull(source.reference, is_plain=source.is_plain)
        if source.reference != image:
            engine.tag(source.reference, image)
    except EngineError as ex:
        return str(ex)
    return ""


class _Delivery:
    """Puts files into the container that are not there as they are."""

    def __init__(
        self, engine: Engine, container: str, files: Layout, note: Note, *, scratch: pathlib.Path
    ) -> None:
        self._engine = engine
        self._container = container
        self._root = pathlib.Path(files.root)
        self._note = note
        self._scratch = scratch

    def bring(self) -> None:
        """Copy what has changed since the last time.

        :raises EngineError: the engine refused.
        """
        known: Mapping[str, str] = self._note.get("delivered") or {}
        present = {path: _fingerprint(self._root / path) for path in self._paths()}
        changed = [path for path, print_ in present.items() if known.get(path) != print_]
        if not changed:
            return
        import tarfile  # noqa: PLC0415  # only nodes that are containers need it
        import tempfile  # noqa: PLC0415

        with tempfile.NamedTemporaryFile(dir=self._scratch) as archive:
            with tarfile.open(fileobj=archive, mode="w") as tar:
                for path in changed:
                    tar.add(self._root / path, arcname=path, recursive=False)
            archive.flush()
            self._engine.copy_in(self._container, pathlib.Path(archive.name))
        self._note.add(delivered=present)

    def _paths(self) -> Iterable[str]:
        for path in sorted(self._root.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield str(path.relative_to(self._root))


class _InContainer(Commands):
    """Runs check and reload commands in a container that runs.

    One that does not run is started with its files, which takes a reload's place, and cannot check
    them before.
    """

    def __init__(
        self,
        delivery: _Delivery,
        *,
        is_running: bool,
        stop: threading.Event,
        scratch: pathlib.Path,
        shell: Shell,
    ) -> None:
        super().__init__(stop=stop, scratch=scratch, shell=shell)
        self._delivery = delivery
        self._is_running = is_running

    def run(self, field: str, command: str, *, timeout_s: float) -> None:
        """Run a command and wait for it, with all files in place that are written."""
        if not self._is_running:
            return
        if field != "check_cmd":
            try:
                self._delivery.bring()
            except EngineError as ex:
                raise RenderError(f"the container's files cannot be copied: {ex}") from ex
        super().run(field, command, timeout_s=timeout_s)


def _environment(values: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of the package, by their names."""
    named = {
        path[len(_ENVIRONMENT) :]: value
        for path, value in values.items()
        if path.startswith(_ENVIRONMENT)
    }
    return {name: value for name, value in named.items() if _is_variable(name, value)}


def _is_variable(name: str, value: str) -> bool:
    return _VARIABLE.fullmatch(name) is not None and "\0" not in value


def _digest(value: Any) -> str:
    return sha256_of(json.dumps(value, sort_keys=True).encode())


def _fingerprint(path: pathlib.Path) -> str:
    facts = path.stat()
    content = sha256_of(path.read_bytes())
    return f"{facts.st_uid}:{facts.st_gid}:{facts.st_mode:o}:{content}"
