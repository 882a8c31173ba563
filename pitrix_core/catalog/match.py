"""Finds the runtimes an app version can run on, and for each other one the rule against it."""

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from pitrix_core.catalog.guard import asking
from pitrix_core.catalog.recognise import ReadPackage
from pitrix_core.errors import PitrixError, ProviderError, ProviderTemporaryError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import ImageQuery, JsonObject, Runtime
from pitrix_core.plugins.calls import ProviderGate
from pitrix_core.store.repos import Repo

#: What to do about a cloud that does not answer now.
_ONCE_MORE: Final = "Try it again: the cloud may answer then."


@attrs.frozen(kw_only=True)
class Match:
    """Whether an app version can run on a runtime."""

    runtime: Runtime
    #: Why not; empty where it can.
    findings: tuple[Finding, ...]


@attrs.frozen(kw_only=True)
class Needs:
    """What an app version with a configuration needs of a runtime."""

    repo: Repo
    kinds: frozenset[str]
    images: frozenset[ImageQuery]


def needs_of(package: ReadPackage, config: JsonObject, repo: Repo) -> Needs:
    """Ask the app type what a deployment needs.

    :param config: without its secrets.
    :raises TemplateRenderError: the package's template cannot be rendered with it.
    :raises PackageError: the app type fails to say.
    """
    with asking(package.app_type, to="say what the package needs"):
        return Needs(
            repo=repo,
            kinds=frozenset(package.app_type.requires(package.spec)),
            images=frozenset(package.app_type.images(package.spec, config)),
        )


def match(
    runtimes: Sequence[Runtime],
    needs: Needs,
    *,
    gate: Callable[[str], ProviderGate],
    core_kinds: frozenset[str],
) -> list[Match]:
    """Try the rules on every runtime.

    :param gate: runtime's id → its provider.
    :param core_kinds: task kinds that the core itself carries out.
    """
    return [
        Match(
            runtime=runtime, findings=_objections(runtime, needs, gate=gate, core_kinds=core_kinds)
        )
        for runtime in runtimes
    ]


def _objections(
    runtime: Runtime,
    needs: Needs,
    *,
    gate: Callable[[str], ProviderGate],
    core_kinds: frozenset[str],
) -> tuple[Finding, ...]:
    cheap = [*_provider_objections(runtime, needs.repo), *_selector_objections(runtime, needs.repo)]
    if cheap:
        return tuple(cheap)
    try:
        return tuple(_gate_objections(runtime, needs, gate(runtime.id), core_kinds))
    except PitrixError as ex:  # a broken plugin rules out its runtimes, not the others
        return (_failure(runtime, "match.provider", ex),)


def _provider_objections(runtime: Runtime, repo: Repo) -> list[Finding]:
    if not repo.providers or runtime.provider in repo.providers:
        return []
    allowed = ", ".join(repo.providers)
    message = f"its provider is {runtime.provider}; repo {repo.name} allows {allowed}"
    return [_objection(runtime, "match.repo_provider", message)]


def _selector_objections(runtime: Runtime, repo: Repo) -> list[Finding]:
    return [
        _objection(
            runtime,
            "match.selector",
            f"its label {key} is {runtime.labels.get(key, 'not set')}; repo {repo.name} asks for "
            + " or ".join(values),
        )
        for key, values in sorted(repo.selectors.items())
        if runtime.labels.get(key) not in values
    ]


def _gate_objections(
    runtime: Runtime, needs: Needs, gate: ProviderGate, core_kinds: frozenset[str]
) -> list[Finding]:
    missing = needs.kinds - gate.offers() - core_kinds
    if missing:
        kinds = ", ".join(sorted(missing))
        message = f"provider {runtime.provider} does not offer {kinds}"
        return [_objection(runtime, "match.offers", message)]
    queries = sorted(needs.images, key=lambda q: (q.image, q.container, q.clouds()))
    objections = (_image_objection(runtime, query, gate) for query in queries)
    # The same may be wrong with several images: that machines cannot run Docker's, say.
    return list(dict.fromkeys(found for found in objections if found is not None))


def _image_objection(runtime: Runtime, query: ImageQuery, gate: ProviderGate) -> Finding | None:
    plain = query.at(runtime)
    if plain is None:
        place = runtime.provider + (f" (zone {runtime.zone})" if runtime.zone else "")
        message = f"the package names no image for provider {place}; it names: {query.clouds()}"
        return _objection(runtime, "match.image", message)
    try:
        gate.resolve_image(plain)
    except ProviderError as ex:
        return _failure(runtime, "match.image", ex)
    return None


def _failure(runtime: Runtime, code: str, ex: PitrixError) -> Finding:
    step = _ONCE_MORE if isinstance(ex, ProviderTemporaryError) else None
    finding = _objection(runtime, code, ex.message.removesuffix("."))
    return attrs.evolve(finding, next_step=ex.next_step or step)


def _objection(runtime: Runtime, code: str, message: str) -> Finding:
    return Finding(
        level=Level.ERROR, code=code, message=f"Runtime {runtime.name}: {message}.", file=runtime.id
    )
