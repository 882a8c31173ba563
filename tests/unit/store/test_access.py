"""The rule for what somebody sees, held against the same rule in plain Python."""

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

import attrs
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pitrix_core.model.access import (
    ALL_ACTIONS,
    Action,
    Actor,
    Reach,
    Visibility,
    admin,
    folded,
    is_within,
    lineage_of,
    narrowed,
)
from pitrix_core.store import make_engine, tables
from pitrix_core.store.access import READING, AccessRepository, seen_by

NOW: Final = dt.datetime(2026, 8, 1, tzinfo=dt.UTC)
#: Names that are beginnings of one another, differ in case, or hold what LIKE would take amiss.
PATHS: Final = ("/", "/a", "/a/b", "/a/b/c", "/ab", "/a%", "/A2", "/a/B_")
IDS: Final = {path: f"grp-{number}" for number, path in enumerate(PATHS)}
#: Who is where; ``ghost`` has no account.
HOMES: Final = {f"user{number}": path for number, path in enumerate(PATHS)}
OWNERS: Final = (*HOMES, "ghost")
RIGHTS: Final = (Action.REPOS_READ, Action.APPS_READ, Action.CLUSTERS_READ)


@attrs.frozen(kw_only=True)
class Thing:
    """What is somebody's, and who else sees it."""

    owner: str
    visibility: Visibility | None
    groups: tuple[str, ...]


def naively_allowed(actor: Actor, action: Action, owner: str) -> bool:
    """Say what the rule says of what belongs to somebody."""
    if owner == actor.owner and action in actor.actions:
        return True
    home = HOMES.get(owner)
    return any(
        action in reach.actions
        and (reach.path == "/" or (home is not None and is_within(home, reach.path)))
        for reach in actor.reaches
    )


def naively_seen(actor: Actor, action: Action, thing: Thing) -> bool:
    """Say what the rule says of what has a visibility."""
    if naively_allowed(actor, action, thing.owner):
        return True
    if not actor.may(action):
        return False
    mine = {IDS[path] for path in lineage_of(actor.home)}
    is_for_me = thing.visibility is Visibility.GROUPS and bool(mine & set(thing.groups))
    return thing.visibility is Visibility.PUBLIC or is_for_me


@pytest.fixture
def world(database_url: str) -> Iterator[sa.Connection]:
    """A transaction with the groups and their people."""
    engine = make_engine(database_url)
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(tables.groups.delete())  # the root that every database begins with
        for path, group_id in IDS.items():
            values = {"id": group_id, "name": path, "path": path, "folded_path": folded(path)}
            connection.execute(tables.groups.insert().values(**values, created_at=NOW))
        for name, path in HOMES.items():
            values = {"id": name, "name": name, "folded_name": name, "role": "user"}
            connection.execute(
                tables.users.insert().values(**values, group_id=IDS[path], created_at=NOW)
            )
        yield connection
        transaction.rollback()
    engine.dispose()


rights = st.frozensets(st.sampled_from(RIGHTS))
reaches = st.builds(Reach, path=st.sampled_from(PATHS), actions=rights)


@st.composite
def actors(draw: st.DrawFn) -> Actor:
    """Somebody with any rights of their own, any grants, and maybe a token that takes some away."""
    name = draw(st.sampled_from(sorted(HOMES)))
    home = HOMES[name]
    actor = Actor(
        owner=name,
        actions=draw(rights),
        reaches=tuple(draw(st.lists(reaches, max_size=3))),
        home=home,
        lineage=tuple(IDS[path] for path in lineage_of(home)),
    )
    within = draw(st.none() | st.sampled_from(PATHS))
    return narrowed(actor, actions=draw(st.none() | rights), within=within)


def things(*, may_follow: bool) -> st.SearchStrategy[list[Thing]]:
    """Return things of anybody; of apps some say nothing of who sees them."""
    kinds: st.SearchStrategy[Any] = st.sampled_from(Visibility)
    groups = st.lists(st.sampled_from(sorted(IDS.values())), max_size=3, unique=True).map(tuple)
    return st.lists(
        st.builds(
            Thing,
            owner=st.sampled_from(OWNERS),
            visibility=st.none() | kinds if may_follow else kinds,
            groups=groups,
        ),
        max_size=6,
    )


SLOWLY: Final = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SLOWLY
@given(actor=actors(), action=st.sampled_from(RIGHTS))
def test_what_may_be_done_is_what_the_plain_rule_says(
    world: sa.Connection, actor: Actor, action: Action
) -> None:
    """For what belongs to each of them, those without an account included."""
    access = AccessRepository(world)

    allowed = {owner for owner in OWNERS if access.may(actor, action, owner=owner)}

    assert allowed == {owner for owner in OWNERS if naively_allowed(actor, action, owner)}


@SLOWLY
@given(actor=actors(), repos=things(may_follow=False), apps=things(may_follow=True))
def test_what_is_seen_is_what_the_plain_rule_says(
    world: sa.Connection, actor: Actor, repos: list[Thing], apps: list[Thing]
) -> None:
    """Of repos by what they say, of apps by what they or their repos say, of versions by their
    apps.
    """
    with world.begin_nested() as nested:
        shelf = repos or [Thing(owner="ghost", visibility=Visibility.PRIVATE, groups=())]
        _add(world, shelf, apps)

        seen_repos = set(_seen(world, actor, tables.repos))
        seen_apps = set(_seen(world, actor, tables.apps))
        seen_versions = set(_seen(world, actor, tables.app_versions))
        nested.rollback()

    read_repos, read_apps = READING["repos"], READING["apps"]
    expected_apps = {
        f"app-{number}"
        for number, app in enumerate(apps)
        if naively_seen(actor, read_apps, app)
        or (app.visibility is None and naively_seen(actor, read_apps, shelf[number % len(shelf)]))
    }
    assert seen_repos == {
        f"repo-{number}"
        for number, repo in enumerate(shelf)
        if naively_seen(actor, read_repos, repo)
    }
    assert seen_apps == expected_apps
    assert seen_versions == {f"of-{app_id}" for app_id in expected_apps}


def test_an_admin_sees_what_belongs_to_nobody(world: sa.Connection) -> None:
    """Such as what the installation made for itself."""
    assert AccessRepository(world).may(admin("user1"), Action.CLUSTERS_READ, owner="system")


@given(actor=actors(), actions=rights, within=st.sampled_from(PATHS))
def test_nothing_is_gained_by_narrowing(
    actor: Actor, actions: frozenset[Action], within: str
) -> None:
    """Neither rights, nor people."""
    less = narrowed(actor, actions=actions, within=within)

    assert less.actions <= actor.actions & actions
    for owner, action in ((owner, action) for owner in OWNERS for action in ALL_ACTIONS):
        if naively_allowed(less, action, owner):
            assert naively_allowed(actor, action, owner)
            assert is_within(HOMES.get(owner, "/"), within)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Acme", "aCME", id="case"),
        pytest.param("\N{LATIN SMALL LETTER SHARP S}a", "SSA", id="sharp-s"),
        pytest.param("\N{LATIN SMALL LIGATURE FI}x", "fix", id="ligature"),
        pytest.param(
            "e\N{COMBINING ACUTE ACCENT}", "\N{LATIN CAPITAL LETTER E WITH ACUTE}", id="accent"
        ),
        pytest.param("\N{FULLWIDTH LATIN SMALL LETTER A}b", "AB", id="width"),
    ],
)
def test_names_that_look_alike_are_one(one: str, other: str) -> None:
    """Whatever case, and whatever form of Unicode, they are written in."""
    assert folded(one) == folded(other)


@given(name=st.text(max_size=20))
def test_folding_twice_changes_nothing(name: str) -> None:
    """So that it does not matter which of two names was there first."""
    assert folded(folded(name)) == folded(name)


def _add(world: sa.Connection, repos: list[Thing], apps: list[Thing]) -> None:
    for number, repo in enumerate(repos):
        values = {"name": f"r{number}", "url": "", "providers": [], "selectors": {}}
        world.execute(
            tables.repos.insert().values(
                id=f"repo-{number}",
                owner=repo.owner,
                visibility=repo.visibility,
                groups=list(repo.groups),
                trusted_keys=[],
                findings=[],
                created_at=NOW,
                **values,
            )
        )
    for number, app in enumerate(apps):
        world.execute(
            tables.apps.insert().values(
                id=f"app-{number}",
                owner=app.owner,
                repo_id=f"repo-{number % len(repos)}",
                name=f"a{number}",
                description="",
                visibility=app.visibility,
                groups=list(app.groups),
                created_at=NOW,
            )
        )
        world.execute(
            tables.app_versions.insert().values(
                id=f"of-app-{number}",
                owner=app.owner,
                app_id=f"app-{number}",
                version="1",
                app_version="1",
                state="active",
                info={},
                findings=[],
                created_at=NOW,
            )
        )


def _seen(world: sa.Connection, actor: Actor, table: sa.Table) -> list[str]:
    return list(world.scalars(sa.select(table.c.id).where(seen_by(actor, table))))
