"""Repos: where apps come from."""

from typing import Final

from pitrix_core.catalog.inspection import RepoFound
from pitrix_core.model.access import Action
from pitrix_core.rest.operation import Operation, Parameter, Shape
from pitrix_core.service import repos
from pitrix_core.service.inputs import RepoChange, RepoInput, RepoPlaceInput
from pitrix_core.store.repos import Repo

_KEEP_VERSIONS: Final = Parameter(
    name="keep_versions",
    description="Also while clusters are of its versions: these go on, and can be changed.",
    schema={"type": "boolean", "default": False},
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="addRepo",
        method="POST",
        path="/v1/repos",
        summary="Register a repo and index it",
        needs=Action.REPOS_WRITE,
        run=lambda c: repos.add(c.services, c.actor, c.body),
        input=RepoInput,
        answer=Repo,
        status=201,
        location="/v1/repos/{id}",
    ),
    Operation(
        id="listRepos",
        path="/v1/repos",
        summary="List the repos",
        needs=Action.REPOS_READ,
        run=lambda c: repos.search(c.services, c.actor),
        shape=Shape.PAGE,
        answer=Repo,
    ),
    Operation(
        id="getRepo",
        path="/v1/repos/{id}",
        summary="Show a repo, by id or name",
        needs=Action.REPOS_READ,
        run=lambda c: repos.get(c.services, c.actor, c.path["id"]),
        answer=Repo,
    ),
    Operation(
        id="changeRepo",
        method="PATCH",
        path="/v1/repos/{id}",
        summary="Change a repo; another place is looked at before it is taken",
        needs=Action.REPOS_WRITE,
        run=lambda c: repos.change(c.services, c.actor, c.path["id"], c.body),
        input=RepoChange,
        answer=Repo,
    ),
    Operation(
        id="deleteRepo",
        method="DELETE",
        path="/v1/repos/{id}",
        summary="Take a repo away",
        needs=Action.REPOS_WRITE,
        run=lambda c: repos.delete(
            c.services,
            c.actor,
            c.path["id"],
            keep_versions=c.parameters.get("keep_versions", False),
        ),
        parameters=(_KEEP_VERSIONS,),
        shape=Shape.NOTHING,
    ),
    Operation(
        id="validateRepo",
        method="POST",
        path="/v1/repos/validate",
        summary="Look at a repo without registering it",
        needs=Action.REPOS_WRITE,
        run=lambda c: repos.validate(c.services, c.actor, c.body),
        input=RepoPlaceInput,
        answer=RepoFound,
    ),
    Operation(
        id="listRepoKinds",
        path="/v1/repo_kinds",
        summary="List the kinds of repos that can be read, and what can be set for each",
        needs=Action.REPOS_READ,
        run=lambda c: repos.kinds(c.services, c.actor),
        shape=Shape.PAGE,
        answer=repos.RepoKindInfo,
    ),
    Operation(
        id="indexRepo",
        method="POST",
        path="/v1/repos/{id}/index",
        summary="Index a repo now",
        needs=Action.REPOS_WRITE,
        run=lambda c: repos.index(c.services, c.actor, c.path["id"]),
        answer=Repo,
    ),
)
