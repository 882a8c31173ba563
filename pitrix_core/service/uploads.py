"""Take apps that their owners upload into repos of their own, and offer these as others are."""

import datetime as dt
import urllib.parse
from typing import Final

import attrs

from pitrix_core.catalog.recognise import ReadPackage, judged, read_package
from pitrix_core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
)
from pitrix_core.findings import Finding
from pitrix_core.model import JsonObject
from pitrix_core.model.access import Action, Actor
from pitrix_core.model.lifecycle import VersionState
from pitrix_core.package import IndexEntries, IndexEntry, digest_of
from pitrix_core.package.index import ordered
from pitrix_core.package.publish import dump_index
from pitrix_core.service.access import require_allowed, require_own
from pitrix_core.service.services import Services
from pitrix_core.service.versions import require_unused, write_upload
from pitrix_core.store import Transaction, new_id
from pitrix_core.store.catalog import App, AppVersion
from pitrix_core.store.repos import UPLOADS_URL, Repo

_RAISE: Final = "A version's archive does not change after that: raise the package's version."


@attrs.frozen(kw_only=True)
class _Upload:
    """An archive that can be offered."""

    content: bytes = attrs.field(repr=False)
    digest: str
    package: ReadPackage
    findings: tuple[Finding, ...]


def add_app(services: Services, actor: Actor, content: bytes) -> AppVersion:
    """Take an archive into the actor's own repo, as a draft of the app that it names.

    The same archive again is the same version; another one takes the place of a draft's.

    :param content: of the whole archive.
    :raises PackageError: it cannot be read, or offered; with every finding.
    :raises ForbiddenError: the actor may not upload.
    :raises ConflictError: this version is there with another archive, and no draft.
    """
    require_own(actor, Action.VERSIONS_WRITE)
    upload = _read(services, content)
    with services.store.begin() as tx:
        return _store(tx, actor, _own_repo(tx, actor.owner), upload)


def add_version(services: Services, actor: Actor, app_id: str, content: bytes) -> AppVersion:
    """Take another version of an uploaded app, as :func:`add_app` does.

    :raises NotFoundError: there is no such app that the actor sees.
    :raises InvalidInputError: the archive is of another app.
    :raises ConflictError: the app was not uploaded, but is indexed from a repo.
    """
    with services.store.read() as tx:
        app = tx.catalog.app(app_id, viewer=actor)
        repo = tx.repos.get(app.repo_id)
        what = f"app {app.name}"
        require_allowed(tx, actor, Action.VERSIONS_WRITE, owner=app.owner, what=what)
    if not repo.is_uploads:
        raise ConflictError(
            f"App {app.name} is indexed from repo {repo.name}.",
            next_step=f"Put the archive there: pitrix repo push ARCHIVE {repo.name}",
        )
    upload = _read(services, content)
    if upload.package.spec.info.name != app.name:
        raise InvalidInputError(
            f"The archive is of app {upload.package.spec.info.name}, not of {app.name}.",
            next_step="Upload it as an app of its own: pitrix app upload ARCHIVE",
        )
    with services.store.begin() as tx:
        return _store(tx, actor, repo, upload)


def index(services: Services, actor: Actor, repo_id: str) -> bytes:
    """Return the index of uploaded apps, as Helm and other installations read it.

    It lists what is active.

    :raises NotFoundError: there is no such repo that the actor sees, or it has its index elsewhere.
    """
    with services.store.read() as tx:
        repo = _uploads(tx, actor, repo_id)
        versions = tx.reviews.released(repo.id, viewer=actor)
        newest = max((one.created_at for one in versions), default=repo.created_at)
    entries = ordered(_entry(one) for one in versions)
    return dump_index(IndexEntries(entries=entries, generated=_stamp(newest))).encode()


def archive(services: Services, actor: Actor, repo_id: str, version_id: str) -> bytes:
    """Return the archive of an uploaded version.

    :raises NotFoundError: there is none in this repo that the actor sees.
    """
    with services.store.read() as tx:
        repo = _uploads(tx, actor, repo_id)
        version = tx.catalog.version(version_id, viewer=actor)
        if tx.catalog.app(version.app_id).repo_id != repo.id or version.digest is None:
            raise NotFoundError(f"There is no app version {version_id!r} in this repo.")
        return tx.catalog.package(version.digest)


def _read(services: Services, content: bytes) -> _Upload:
    package = read_package(content, services.registry.app_types())
    findings = judged(package, services.registry.hooks())
    return _Upload(content=content, digest=digest_of(content), package=package, findings=findings)


def _own_repo(tx: Transaction, owner: str) -> Repo:
    """Return the repo of somebody's uploads, made when it is first needed."""
    known = tx.repos.uploads_of(owner)
    if known is not None:
        return known
    # NOTE(names): nobody gives a name with a slash; one that was handed over has it, and two who
    # make theirs at the same time
    made = _uploads_repo(tx, owner, f"{owner}/uploads")
    try:
        tx.repos.add(made)
    except ConflictError:
        known = tx.repos.uploads_of(owner)
        if known is not None:
            return known
        made = _uploads_repo(tx, owner, f"{owner}/uploads/{made.id}")
        tx.repos.add(made)
    return made


def _uploads_repo(tx: Transaction, owner: str, name: str) -> Repo:
    return Repo(
        id=new_id("repo"),
        owner=owner,
        name=name,
        kind=UPLOADS_URL.removesuffix(":"),
        url=UPLOADS_URL,
        created_at=tx.now,
    )


def _store(tx: Transaction, actor: Actor, repo: Repo, upload: _Upload) -> AppVersion:
    info = upload.package.spec.info
    tx.catalog.add_package(upload.digest, upload.content)
    app = tx.catalog.put_app(
        App(
            id=new_id("app"),
            owner=repo.owner,
            repo_id=repo.id,
            name=info.name,
            description=info.description,
            created_at=tx.now,
        )
    )
    # The row of the app is locked from here on: uploads and moves come one after the other.
    known = tx.catalog.version_of(repo.id, info.name, info.version)
    if known and known.digest == upload.digest and known.state != VersionState.DELETED:
        return known
    version = AppVersion(
        id=known.id if known else new_id("appv"),
        owner=repo.owner,
        app_id=app.id,
        version=info.version,
        app_version=info.app_version,
        app_type=upload.package.app_type.name,
        digest=upload.digest,
        state=VersionState.DRAFT,
        info=info,
        findings=upload.findings,
        created_at=tx.now,
    )
    if known is None:
        tx.catalog.add_version(version)
        write_upload(tx, actor, version, is_new=True)
    else:
        _replace(tx, actor, known, version)
    tx.listings.refresh([app.id])
    tx.audit.add(version.id, before=_told(known), after=_told(version))
    return tx.catalog.version(version.id)


def _told(version: AppVersion | None) -> JsonObject | None:
    """Return what the audit says of a version's archive."""
    if version is None:
        return None
    names = ("app_id", "version", "digest", "state")
    return {name: getattr(version, name) for name in names}


def _replace(tx: Transaction, actor: Actor, known: AppVersion, version: AppVersion) -> None:
    if known.state not in (VersionState.DRAFT, VersionState.REJECTED):
        raise ConflictError(
            f"Version {known.version} is {known.state}, and keeps its archive.", next_step=_RAISE
        )
    tx.reviews.lock(known.id)  # who is about to make a cluster of it holds it
    require_unused(tx, known)
    write_upload(tx, actor, known, is_new=False)
    tx.reviews.replace(version)
    if known.digest is not None:
        tx.catalog.drop_package(known.digest)


def _uploads(tx: Transaction, actor: Actor, repo_id: str) -> Repo:
    repo = tx.repos.get(repo_id, viewer=actor)
    if not repo.is_uploads:
        raise NotFoundError(
            f"Repo {repo.name} has its index elsewhere.", next_step="Read it at its own URL."
        )
    return repo


def _entry(version: AppVersion) -> IndexEntry:
    info = version.info
    file = urllib.parse.quote(f"{info.name}-{info.version}.tgz")
    return IndexEntry(
        name=info.name,
        version=info.version,
        urls=(f"packages/{version.id}/{file}",),
        digest=version.digest or "",
        app_version=info.app_version,
        description=info.description,
        created=_stamp(version.created_at),
        home=info.home,
        keywords=info.keywords,
        maintainers=info.maintainers,
        sources=info.sources,
    )


def _stamp(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
