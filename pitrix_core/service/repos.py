"""Register repos, and bring the catalogue up to date with them."""

import contextlib
import json
from collections.abc import Sequence
from typing import Any, Final

import attrs

from pitrix_core.catalog.inspection import RepoFound, inspect_repo
from pitrix_core.convert import schema_of
from pitrix_core.errors import (
    ConflictError,
    InvalidInputError,
    PackageSignatureError,
    PluginError,
    RepoError,
)
from pitrix_core.model import JsonObject
from pitrix_core.model.access import Action, Actor, Visibility
from pitrix_core.model.lifecycle import VersionState
from pitrix_core.package.signature import parse_public_key
from pitrix_core.plugins.repo_kinds import scheme_of
from pitrix_core.service.access import require_allowed, require_everywhere, require_own
from pitrix_core.service.inputs import RepoChange, RepoInput, RepoPlaceInput
from pitrix_core.service.names import require_name
from pitrix_core.service.people import find_group
from pitrix_core.service.services import Services
from pitrix_core.store import Transaction, new_id
from pitrix_core.store.repos import Repo
from pitrix_core.validation import pointer_to

#: What can be changed of a repo of uploads.
_OF_UPLOADS: Final = frozenset({"labels", "providers", "selectors", "visibility", "groups"})
#: States in which versions of a repo may enter the catalogue.
_ENTERED: Final = frozenset({VersionState.ACTIVE, VersionState.DRAFT, VersionState.SUSPENDED})
#: Seconds between looks at an index: a repo is somebody else's server.
_LEAST_INTERVAL_S: Final = 10.0
_LONGEST_INTERVAL_S: Final = 30 * 24 * 3600.0
#: Apps in one transaction: others wait for it on SQLite.
_LISTED_AT_ONCE: Final = 200
#: Clusters that are named in a refusal.
_NAMED: Final = 10
_GIVE_KEY: Final = "Give the public key of its vendor: the second line of the file minisign made."


@attrs.frozen(kw_only=True)
class RepoKindInfo:
    """A kind of repo that can be read."""

    scheme: str
    #: Of the kind; several schemes may be of one.
    name: str
    #: JSON Schemas of what can be set.
    settings_schema: JsonObject
    credential_schema: JsonObject


def add(services: Services, actor: Actor, data: RepoInput) -> Repo:
    """Register a repo whose index can be read, and index it.

    :raises ForbiddenError: the actor may not.
    :raises RepoError: its index cannot be read.
    :raises InvalidInputError: nobody reads such a URL, settings or credential do not fit, a
        selector allows no value, or a trusted key is none.
    :raises PackageInvalidError: its index is none.
    :raises ConflictError: the name is taken.
    """
    require_own(actor, Action.REPOS_WRITE)
    with services.store.read() as tx:
        now = tx.now
    repo = _checked(
        services,
        actor,
        Repo(
            id=new_id("repo"),
            owner=actor.owner,
            name=data.name,
            kind=scheme_of(data.url),
            url=data.url,
            settings=data.settings,
            labels=data.labels,
            providers=data.providers,
            selectors=data.selectors,
            trusted_keys=data.trusted_keys,
            visibility=data.visibility,
            groups=data.groups,
            default_state=data.default_state,
            index_interval_s=data.index_interval_s,
            created_at=now,
        ),
    )
    validate(services, actor, data)
    with services.store.begin() as tx:
        tx.repos.add(repo, credential_id=_kept(tx, data.credential, owner=actor.owner))
        tx.audit.add(repo.id, after=data)
        tx.events.add("repo.added", repo.id, owner=repo.owner, data={"name": repo.name})
    return services.indexer.index(repo)


def validate(services: Services, actor: Actor, data: RepoPlaceInput) -> RepoFound:
    """Look at a repo without registering it.

    :raises ForbiddenError: the actor may not, or only those who may do so with everything may:
        the repo is on the server's own machine.
    :raises RepoError: its index cannot be read.
    :raises InvalidInputError: nobody reads such a URL, or settings or credential do not fit.
    :raises PackageInvalidError: its index is none.
    """
    require_own(actor, Action.REPOS_WRITE)
    kind = services.opener.kind_of(data.url)
    if kind.reads_this_host:
        require_everywhere(actor, Action.REPOS_WRITE)
    try:
        with services.opener.open_place(
            data.url, settings=data.settings, credential=data.credential
        ) as opened:
            return inspect_repo(opened, services.registry, kind=kind.schemes[0])
    except RepoError as ex:
        ex.pointer = ex.pointer or "/url"
        raise


def change(services: Services, actor: Actor, repo_id: str, data: RepoChange) -> Repo:
    """Change a repo; where it is read from another place, that is looked at first.

    :raises ForbiddenError: the actor may not.
    :raises NotFoundError: there is no such repo.
    :raises RepoError: its index cannot be read there.
    :raises InvalidInputError: as for :func:`add`.
    :raises ConflictError: the name is taken, the repo is one of uploads, of which this stays, or
        somebody else changed it meanwhile.
    """
    before = get_for(services, actor, Action.REPOS_WRITE, repo_id)
    if set(_given(data)) - _OF_UPLOADS:
        _require_elsewhere(before)
    given = {name: value for name, value in _given(data).items() if name != "credential"}
    after = attrs.evolve(before, **given)
    after = attrs.evolve(
        after,
        kind=before.kind if after.url == before.url else scheme_of(after.url),
        index_interval_s=after.index_interval_s or None,
    )
    after = _checked(services, actor, after, known=before.groups)
    with services.store.read() as tx:
        secret_id = tx.repos.credential_id(before.id)
        known = json.loads(tx.secrets.get(secret_id)) if secret_id else {}
    credential = data.credential
    if credential is None:  # it goes to the place that it was given for, and to no other
        is_there = (after.url, after.settings) == (before.url, before.settings)
        credential = known if is_there else {}
    is_read_anew = (after.url, after.settings, credential) != (before.url, before.settings, known)
    if is_read_anew:
        place = RepoPlaceInput(url=after.url, settings=after.settings, credential=credential)
        validate(services, actor, place)
    with services.store.begin() as tx:
        if is_read_anew:  # first, as the indexer does: else each could wait for the other
            tx.repos.read_anew(before.id)
        tx.repos.lock(before.id)
        now = tx.repos.get(before.id, viewer=actor)
        if _set(now) != _set(before) or tx.repos.credential_id(before.id) != secret_id:
            raise ConflictError(
                f"Repo {before.name} was changed by somebody else meanwhile.",
                next_step=f"Look at it, and change it again: pitrix repo show {now.name}",
            )
        if credential != known:
            _forget(tx, secret_id)
            secret_id = _kept(tx, credential, owner=before.owner)
        tx.repos.change(after, credential_id=secret_id)
        tx.audit.add(after.id, before=_told(before, known), after=_told(after, credential))
        data_ = {"name": after.name, "changed": sorted(_given(data))}
        tx.events.add("repo.changed", after.id, owner=after.owner, data=data_)
        return tx.repos.get(after.id)


def delete(services: Services, actor: Actor, repo_id: str, *, keep_versions: bool = False) -> None:
    """Take a repo away; its versions are not on offer any more.

    :param keep_versions: also while clusters are of them: these go on, and can be changed.
    :raises ForbiddenError: the actor may not.
    :raises NotFoundError: there is no such repo.
    :raises ConflictError: clusters are of its versions, or it is one of uploads.
    """
    repo = get_for(services, actor, Action.REPOS_WRITE, repo_id)
    _require_elsewhere(repo)
    with services.store.begin() as tx:
        clusters = tx.repos.clusters(repo.id)
        if clusters and not keep_versions:
            raise ConflictError(
                f"Clusters are of versions of repo {repo.name}: {', '.join(clusters[:_NAMED])}"
                f"{' and others' if len(clusters) > _NAMED else ''}.",
                next_step="Delete them first, or keep what they are of: "
                f"pitrix repo delete {repo.name} --keep-versions",
            )
        app_ids = tx.repos.take_off(repo.id)
        secret_id = tx.repos.credential_id(repo.id)
        tx.repos.remove(repo.id)
        _forget(tx, secret_id)
        tx.audit.add(repo.id, before=repo)
        tx.events.add("repo.deleted", repo.id, owner=repo.owner, data={"name": repo.name})
    for start in range(0, len(app_ids), _LISTED_AT_ONCE):
        with services.store.begin() as tx:
            tx.listings.refresh(app_ids[start : start + _LISTED_AT_ONCE])


def kinds(services: Services, actor: Actor) -> list[RepoKindInfo]:
    """Return the kinds of repos that can be read, by the schemes of their URLs.

    One that is broken is left out; ``GET /v1/plugins`` says why.
    """
    found = []
    for scheme in sorted(services.registry.repo_kinds()):
        with contextlib.suppress(PluginError):
            kind = services.registry.repo_kind(scheme)
            found.append(
                RepoKindInfo(
                    scheme=scheme,
                    name=kind.schemes[0],
                    settings_schema=schema_of(kind.settings),
                    credential_schema=schema_of(kind.credential),
                )
            )
    return found


def search(services: Services, actor: Actor) -> list[Repo]:
    """Return the repos that the actor sees, by name."""
    with services.store.read() as tx:
        return tx.repos.all(viewer=actor)


def get(services: Services, actor: Actor, repo_id: str) -> Repo:
    """Return a repo by id or name.

    :raises NotFoundError: there is none.
    """
    with services.store.read() as tx:
        return tx.repos.get(repo_id, viewer=actor)


def get_for(services: Services, actor: Actor, action: Action, repo_id: str) -> Repo:
    """Return a repo by id or name, with which something is to be done.

    :raises NotFoundError: there is none that the actor sees.
    :raises ForbiddenError: the actor may not do this with it.
    """
    repo = get(services, actor, repo_id)
    with services.store.read() as tx:
        require_allowed(tx, actor, action, owner=repo.owner, what=f"repo {repo.name}")
    return repo


def index(services: Services, actor: Actor, repo_id: str) -> Repo:
    """Bring the catalogue up to date with a repo now.

    :raises ForbiddenError: the actor may not.
    :raises NotFoundError: there is no such repo.
    :raises RepoError: its index cannot be read.
    :raises ConflictError: it is one of uploads.
    """
    repo = get_for(services, actor, Action.REPOS_WRITE, repo_id)
    _require_elsewhere(repo)
    with services.store.begin() as tx:  # what the indexer writes is nobody's deed
        tx.audit.add(repo.id)
    return services.indexer.index(repo)


def _require_elsewhere(repo: Repo) -> None:
    """Refuse what cannot be done with a repo of uploads, which is nowhere else.

    :raises ConflictError: it is one.
    """
    if repo.is_uploads:
        raise ConflictError(
            f"Repo {repo.name} holds what {repo.owner} uploads: it stays, with no index to read.",
            next_step="What is in it is changed version by version: pitrix app life APP@VERSION",
        )


def _checked(services: Services, actor: Actor, repo: Repo, *, known: Sequence[str] = ()) -> Repo:
    """Return a repo as it is stored.

    :param known: groups that see it already.
    :raises NotFoundError: another group is named that the actor does not see.
    :raises InvalidInputError: it cannot be: the pointer says where.
    """
    if not repo.is_uploads:
        require_name(repo.name)
    for key, values in repo.selectors.items():
        if not values:
            raise InvalidInputError(
                f"Selector {key} allows no value, so no runtime would ever match.",
                pointer="/selectors" + pointer_to([key]),
                next_step="Name the values, or leave the selector out.",
            )
    if repo.default_state not in _ENTERED:
        raise InvalidInputError(
            f"Versions cannot enter as {repo.default_state}.",
            pointer="/default_state",
            next_step="Take one of " + ", ".join(sorted(_ENTERED)) + ".",
        )
    if repo.index_interval_s is not None and not (
        _LEAST_INTERVAL_S <= repo.index_interval_s <= _LONGEST_INTERVAL_S
    ):
        raise InvalidInputError(
            f"The index cannot be looked at every {repo.index_interval_s:g} seconds.",
            pointer="/index_interval_s",
            next_step=f"Take {_LEAST_INTERVAL_S:g} to {_LONGEST_INTERVAL_S:g}.",
        )
    with services.store.read() as tx:
        groups = tuple(
            group if group in known else find_group(tx, actor, group).id for group in repo.groups
        )
    if (repo.visibility is Visibility.GROUPS) != bool(groups):
        raise InvalidInputError(
            "Groups are named where they, and nobody else, see the repo.",
            pointer="/groups",
            next_step="Give both: visibility groups, and the groups.",
        )
    return attrs.evolve(repo, groups=groups, trusted_keys=_keys(repo.trusted_keys))


def _given(change: RepoChange) -> dict[str, Any]:
    names = (field.name for field in attrs.fields(RepoChange))
    given = {name: getattr(change, name) for name in names if getattr(change, name) is not None}
    if given.get("visibility", Visibility.GROUPS) is not Visibility.GROUPS:
        given.setdefault("groups", ())  # those of before see nothing more
    return given


def _set(repo: Repo) -> dict[str, Any]:
    """Return what people set of a repo, and do not keep secret."""
    names = (field.name for field in attrs.fields(RepoChange) if field.name != "credential")
    return {name: getattr(repo, name) for name in names}


def _told(repo: Repo, credential: JsonObject) -> JsonObject:
    """Return what the audit compares of a repo; of its credential, whether it is another one."""
    return {**_set(repo), "credential": {"$secret": credential}}


def _kept(tx: Transaction, credential: JsonObject, *, owner: str) -> str | None:
    return tx.secrets.add(json.dumps(dict(credential)), owner=owner).id if credential else None


def _forget(tx: Transaction, secret_id: str | None) -> None:
    if secret_id is not None:
        tx.secrets.replace(secret_id, "{}")


def _keys(texts: Sequence[str]) -> tuple[str, ...]:
    """Return public keys in one line each, each once.

    :raises InvalidInputError: one is none.
    """
    found: dict[str, None] = {}
    for number, text in enumerate(texts):
        try:
            found[parse_public_key(text.strip()).text] = None
        except PackageSignatureError as ex:
            raise InvalidInputError(
                ex.message, pointer=pointer_to(["trusted_keys", number]), next_step=_GIVE_KEY
            ) from ex
    return tuple(found)
