"""Repos: where apps come from."""

from typing import Final

from pitrix_core.model.access import Action
from pitrix_core.rest.operation import Operation, Shape
from pitrix_core.service import repos
from pitrix_core.service.inputs import RepoInput
from pitrix_core.store.repos import Repo

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
        method="GET",
        path="/v1/repos",
        summary="List the repos",
        needs=Action.REPOS_READ,
        run=lambda c: repos.search(c.services, c.actor),
        shape=Shape.PAGE,
        answer=Repo,
    ),
    Operation(
        id="getRepo",
        method="GET",
        path="/v1/repos/{id}",
        summary="Show a repo, by id or name",
        needs=Action.REPOS_READ,
        run=lambda c: repos.get(c.services, c.actor, c.path["id"]),
        answer=Repo,
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
