"""Uploads, the lives of app versions, and where versions can run."""

from typing import Final

from pitrix_core.model.access import Action
from pitrix_core.model.lifecycle import RULES, Move
from pitrix_core.package.limits import DEFAULT_LIMITS
from pitrix_core.rest.operation import ACCEPT_LANGUAGE, Call, Operation, Shape
from pitrix_core.service import matching, uploads, versions
from pitrix_core.service.languages import preferred
from pitrix_core.store.catalog import AppVersion
from pitrix_core.store.reviews import OpenReview, Transition


def _compare(call: Call) -> matching.Comparison:
    language = preferred(call.parameters.get(ACCEPT_LANGUAGE.name))
    return matching.compare(
        call.services, call.actor, call.path["id"], call.body, language=language
    )


def _move_operation(move: Move) -> Operation:
    """Return the operation of a move; the phases of a review are looked at by the use."""
    rule = RULES[move]
    return Operation(
        id=f"{move}AppVersion",
        method="POST",
        path=f"/v1/app_versions/{{id}}/{move}",
        summary=rule.summary,
        run=lambda c: versions.move(c.services, c.actor, c.path["id"], move, c.body),
        needs=rule.needs or Action.VERSIONS_READ,
        input=versions.MoveInput,
        answer=versions.VersionLife,
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="uploadApp",
        method="POST",
        path="/v1/apps",
        summary="Upload an app's archive: its version begins as a draft",
        run=lambda c: uploads.add_app(c.services, c.actor, c.body),
        needs=Action.VERSIONS_WRITE,
        takes_bytes=DEFAULT_LIMITS.archive_bytes,
        answer=AppVersion,
        status=201,
        location="/v1/app_versions/{id}",
    ),
    Operation(
        id="uploadAppVersion",
        method="POST",
        path="/v1/apps/{id}/versions",
        summary="Upload the archive of another version of an app, or of a draft",
        run=lambda c: uploads.add_version(c.services, c.actor, c.path["id"], c.body),
        needs=Action.VERSIONS_WRITE,
        takes_bytes=DEFAULT_LIMITS.archive_bytes,
        answer=AppVersion,
        status=201,
        location="/v1/app_versions/{id}",
    ),
    Operation(
        id="getUploadsIndex",
        path="/v1/repos/{id}/index.yaml",
        summary="Return the index of uploaded apps, for Helm and other installations",
        run=lambda c: uploads.index(c.services, c.actor, c.path["id"]),
        needs=Action.REPOS_READ,
        shape=Shape.OCTETS,
        media_type="application/yaml",
    ),
    Operation(
        id="getUploadedArchive",
        path="/v1/repos/{id}/packages/{version_id}/{file}",
        summary="Return the archive of an uploaded version, whatever file name it is asked by",
        run=lambda c: uploads.archive(c.services, c.actor, c.path["id"], c.path["version_id"]),
        needs=Action.REPOS_READ,
        shape=Shape.OCTETS,
        media_type="application/octet-stream",
    ),
    Operation(
        id="getAppVersion",
        path="/v1/app_versions/{id}",
        summary="Show an app version, where it is in its life, and what the caller can do with it",
        run=lambda c: versions.life(c.services, c.actor, c.path["id"]),
        needs=Action.APPS_READ,
        answer=versions.VersionLife,
    ),
    Operation(
        id="listTransitions",
        path="/v1/app_versions/{id}/transitions",
        summary="List what was done with a version: by whom, when and why; oldest first",
        run=lambda c: versions.transitions(c.services, c.actor, c.path["id"]),
        needs=Action.VERSIONS_READ,
        shape=Shape.PAGE,
        answer=Transition,
    ),
    Operation(
        id="listReviews",
        path="/v1/reviews",
        summary="List the reviews under way, oldest first",
        run=lambda c: versions.open_reviews(c.services, c.actor),
        needs=Action.VERSIONS_READ,
        shape=Shape.PAGE,
        answer=OpenReview,
    ),
    *(_move_operation(move) for move in Move),
    Operation(
        id="matchAppVersion",
        method="POST",
        path="/v1/app_versions/{id}/matches",
        summary="Compare the runtimes that a version can run on, and say of the others why not",
        run=_compare,
        needs=Action.APPS_READ,
        input=matching.MatchInput,
        answer=matching.Comparison,
        parameters=(ACCEPT_LANGUAGE,),
    ),
)
