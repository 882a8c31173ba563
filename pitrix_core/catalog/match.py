"""Finds the runtimes an app version can run on, and for each other one the rule against it."""

from collections.abc import Callable, Iterable, Sequence
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
#: What to do about an image that a package does not name, or a cloud does not have.
_OTHER_IMAGE: Final = "Choose another runtime, or ask the package's vendor for an image for this."


@attrs.frozen(kw_only=True)
class Objection(Finding):
    """Why an app version cannot run on a runtime, as data."""

    #: What was asked for: providers, values of a label, kinds of tasks, an image.
    asked: tuple[str, ...] = ()
    #: What is there instead; empty where nothing is, or it is not known.
    there: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Match:
    """Whether an app version can run on a runtime."""

    runtime: Runtime
    #: Why not; empty where it can.
    findings: tuple[Objection, ...]


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
) -> tuple[Objection, ...]:
    cheap = [*_provider_objections(runtime, needs.repo), *_selector_objections(runtime, needs.repo)]
    if cheap:
        return tuple(cheap)
    try:
        return tuple(_gate_objections(runtime, needs, gate(runtime.id), core_kinds))
    except PitrixError as ex:  # a broken plugin rules out its runtimes, not the others
        return (_failure(runtime, "match.provider", ex),)


def _provider_objections(runtime: Runtime, repo: Repo) -> list[Objection]:
    if not repo.providers or runtime.provider in repo.providers:
        return []
    allowed = ", ".join(repo.providers)
    return [
        _objection(
            runtime,
            "match.repo_provider",
            f"its provider is {runtime.provider}; repo {repo.name} allows {allowed}",
            asked=repo.providers,
            there=(runtime.provider,),
            next_step=f"Choose a runtime of one of these providers: {allowed}.",
        )
    ]


def _selector_objections(runtime: Runtime, repo: Repo) -> list[Objection]:
    return [
        _objection(
            runtime,
            "match.selector",
            f"its label {key} is {runtime.labels.get(key, 'not set')}; repo {repo.name} asks for "
            + " or ".join(values),
            asked=tuple(f"{key}={value}" for value in values),
            there=(f"{key}={runtime.labels[key]}",) if key in runtime.labels else (),
            next_step=f"Choose a runtime with the label {key}={values[0]}: pitrix runtime list",
        )
        for key, values in sorted(repo.selectors.items())
        if runtime.labels.get(key) not in values
    ]


def _gate_objections(
    runtime: Runtime, needs: Needs, gate: ProviderGate, core_kinds: frozenset[str]
) -> list[Objection]:
    offered = gate.offers()
    missing = sorted(needs.kinds - offered - core_kinds)
    if missing:
        kinds = ", ".join(missing)
        return [
            _objection(
                runtime,
                "match.offers",
                f"provider {runtime.provider} does not offer {kinds}",
                asked=tuple(missing),
                there=tuple(sorted(offered)),
                next_step="Choose a runtime of another provider: pitrix runtime list",
            )
        ]
    queries = sorted(needs.images, key=lambda q: (q.image, q.container, q.clouds()))
    objections = (_image_objection(runtime, query, gate) for query in queries)
    return _merged(found for found in objections if found is not None)


def _merged(objections: Iterable[Objection]) -> list[Objection]:
    """Say once what is wrong with several images: that machines cannot run Docker's, say."""
    found: dict[str, Objection] = {}
    for one in objections:
        known = found.setdefault(one.message, one)
        asked = tuple(dict.fromkeys((*known.asked, *one.asked)))
        found[one.message] = attrs.evolve(known, asked=asked)
    return list(found.values())


def _image_objection(runtime: Runtime, query: ImageQuery, gate: ProviderGate) -> Objection | None:
    plain = query.at(runtime)
    if plain is None:
        place = runtime.provider + (f" (zone {runtime.zone})" if runtime.zone else "")
        message = f"the package names no image for provider {place}; it names: {query.clouds()}"
        named = (choice.provider for choice in query.choices)
        return _objection(
            runtime,
            "match.image",
            message,
            asked=tuple(dict.fromkeys(named)),
            there=(place,),
            next_step=_OTHER_IMAGE,
        )
    try:
        gate.resolve_image(plain)
    except ProviderError as ex:
        return attrs.evolve(_failure(runtime, "match.image", ex), asked=(plain.image,))
    return None


def _failure(runtime: Runtime, code: str, ex: PitrixError) -> Objection:
    step = _ONCE_MORE if isinstance(ex, ProviderTemporaryError) else None
    message = ex.message.removesuffix(".")
    return _objection(runtime, code, message, next_step=ex.next_step or step)


def _objection(
    runtime: Runtime,
    code: str,
    message: str,
    *,
    asked: tuple[str, ...] = (),
    there: tuple[str, ...] = (),
    next_step: str | None,
) -> Objection:
    return Objection(
        level=Level.ERROR,
        code=code,
        message=f"Runtime {runtime.name}: {message}.",
        file=runtime.id,
        next_step=next_step,
        asked=asked,
        there=there,
    )
