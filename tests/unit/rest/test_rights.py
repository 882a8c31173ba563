"""Every operation of the API is asked by every role; what is to come of it is written out here."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import attrs
import falcon.testing
import pytest

from pitrix_core.errors import NotFoundError
from pitrix_core.model.access import BUILT_IN_ROLES, Action
from pitrix_core.rest.app import make_app
from pitrix_core.rest.operation import Call, Operation
from pitrix_core.rest.operations import OPERATIONS
from pitrix_core.service.services import Services
from pitrix_core.store import Store
from pitrix_core.store.groups import ROOT_ID
from pitrix_core.store.logins import ApiToken

#: What an operation needs → the operations.
NEEDS: Final[Mapping[str, str]] = {
    "nobody": "getHealth getAgent listIssuers signIn comeBack logIn",
    "anybody": "listRoles listGroups getGroup whoAmI",
    "account.read": "listSessions listTokens",
    "account.write": "setPassword endSession addToken revokeToken",
    "apps.read": (
        "listApps listAppCounts getApp getAppIcon getAppScreenshot listAppVersions "
        "getAppVersion getReadme getConfigSchema listCategories getCategory "
        "matchAppVersion"
    ),
    "apps.sort": "addCategory replaceCategory deleteCategory",
    "apps.write": "shareApp putAppCategories",
    "audit.read": "listAudit getAuditEnds",
    "clusters.read": (
        "getPlan listClusters getCluster getMeasures listTabs askForTab getTab listJobs "
        "getJob listTasks"
    ),
    "clusters.write": (
        "createPlan createCluster changeCluster retryJob pauseJob resumeJob cancelJob rollBackJob"
    ),
    "events.read": "listEvents",
    "frontgates.read": "listFrontgates getFrontgate",
    "frontgates.write": "revokeFrontgate renewFrontgate",
    "groups.write": "addGroup changeGroup deleteGroup",
    "orphans.read": "listOrphans",
    "orphans.write": "sweepOrphans",
    "plugins.read": "listPlugins listProviders getProvider",
    "quotas.read": "listQuotas getQuota",
    "quotas.write": "setQuota removeQuota",
    "repos.read": "listRepos getRepo listRepoKinds getUploadsIndex getUploadedArchive",
    "repos.write": "addRepo changeRepo deleteRepo validateRepo indexRepo putRepoCategories",
    "roles.write": "addRole deleteRole",
    "runtimes.read": "listRuntimes getRuntime checkRuntime",
    "runtimes.write": "addRuntime limitRuntime shareRuntime deleteRuntime",
    "statistics.read": "getAppStatistics",
    "usage.read": "getUsage exportUsage",
    "users.read": "listUsers getUser listGrants",
    "users.write": "addUser changeUser deleteUser grantRole takeGrantBack",
    "versions.publish": "releaseAppVersion suspendAppVersion recoverAppVersion",
    "versions.read": "listTransitions listReviews takeAppVersion passAppVersion rejectAppVersion",
    "versions.write": (
        "uploadApp uploadAppVersion reviseAppVersion submitAppVersion withdrawAppVersion "
        "deleteAppVersion"
    ),
    "admin": "pruneAudit",
}
_USER: Final = (
    "account.read account.write apps.read clusters.read clusters.write events.read plugins.read "
    "quotas.read repos.read runtimes.read usage.read"
)
_DEVELOPER: Final = _USER + " apps.write statistics.read versions.read versions.write"
#: Role → what it allows.
ROLES: Final[Mapping[str, str]] = {
    "user": _USER,
    "developer": _DEVELOPER,
    "isv": _DEVELOPER + " versions.review.isv",
    "reviewer": _USER + " versions.read versions.review.business versions.review.technical",
    "operator": (
        _DEVELOPER
        + " apps.sort audit.read frontgates.read frontgates.write groups.read orphans.read "
        "orphans.write quotas.write repos.write runtimes.write users.read versions.publish"
    ),
}


def test_every_operation_stands_here() -> None:
    """Who adds one says here, once more, what it needs."""
    written = [name for names in NEEDS.values() for name in names.split()]

    assert sorted(written) == sorted(operation.id for operation in OPERATIONS)


def test_the_built_in_roles_allow_what_stands_here() -> None:
    """And the admin everything."""
    written = {name: frozenset(map(Action, rights.split())) for name, rights in ROLES.items()}

    assert {**written, "admin": frozenset(Action)} == BUILT_IN_ROLES


@pytest.mark.parametrize("role", [*ROLES, "admin", "nobody"])
def test_a_role_gets_as_far_as_it_may(role: str, store: Store, services: Services) -> None:
    """To the use of the operation, or no further than 403; without a token, 401."""
    operations = [attrs.evolve(operation, run=_reached) for operation in OPERATIONS]
    client = falcon.testing.TestClient(
        make_app(services, operations=operations), headers=_headers(store, role)
    )

    wrong = {
        operation.id: (status, expected)
        for operation in operations
        if (status := _status(client, operation)) in {401, 403}
        or _expected(operation, role) in {401, 403}
        if status != (expected := _expected(operation, role))
    }

    assert wrong == {}


def test_what_needs_nothing_by_name_is_for_admins(store: Store, services: Services) -> None:
    """An operation whose author forgot to say is closed."""
    forgotten = Operation(
        id="forgotten", method="GET", path="/v1/forgotten", summary="", run=lambda _: {}
    )
    app = make_app(services, operations=[forgotten])

    operator = falcon.testing.TestClient(app, headers=_headers(store, "operator"))
    refused = operator.simulate_get("/v1/forgotten").status_code
    admin = falcon.testing.TestClient(app, headers=_headers(store, "admin"))
    allowed = admin.simulate_get("/v1/forgotten").status_code

    assert (refused, allowed) == (403, 200)


@pytest.mark.parametrize("right", Action, ids=str)
def test_every_right_has_one_to_see_what_it_is_about(right: Action) -> None:
    """What may be changed can be seen, or else it would not be there."""
    assert right.reading in Action
    assert right.reading.reading is right.reading


def _reached(_call: Call) -> Any:
    raise NotFoundError("reached")


def _headers(store: Store, role: str) -> dict[str, str]:
    if role == "nobody":
        return {}
    if role == "admin":
        return {"Authorization": "Bearer the-admin's-token"}
    with store.begin() as tx:
        tx.users.add(role, group_id=ROOT_ID, role=role)
        token = ApiToken(id=f"tok-{role}", owner=role, created_at=tx.now)
        tx.logins.add_token(token, digest=hashlib.sha256(role.encode()).hexdigest())
    return {"Authorization": f"Bearer {role}"}


def _status(client: falcon.testing.TestClient, operation: Operation) -> int:
    path = operation.path.format(**dict.fromkeys(operation.path_parameters, "x"))
    answer = client.simulate_request(operation.method, path, json={})
    return int(answer.status_code)


def _expected(operation: Operation, role: str) -> int:
    need = next(need for need, names in NEEDS.items() if operation.id in names.split())
    if need == "nobody":
        return 404
    if role == "nobody":
        return 401
    is_allowed = role == "admin" or need == "anybody" or need in ROLES[role].split()
    return 404 if is_allowed else 403
