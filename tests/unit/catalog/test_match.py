"""A runtime matches, or is told with the rule that rules it out."""

import datetime as dt
from pathlib import Path
from typing import Any

import attrs
import core_world
import pytest

from pitrix_core import Context
from pitrix_core.catalog.match import Needs, match, needs_of
from pitrix_core.catalog.recognise import read_package
from pitrix_core.errors import PackageError, PluginLoadError, TemplateRenderError
from pitrix_core.findings import Finding
from pitrix_core.model import ImageChoice, ImageQuery, Runtime
from pitrix_core.planner.kinds import CORE_KINDS
from pitrix_core.plugins.calls import ProviderGate
from pitrix_core.store.repos import Repo
from pitrix_core.testing.fake_provider import (
    FakeCredential,
    FakeEffect,
    FakeFault,
    FakeProvider,
    FakeSettings,
)

REPO = Repo(
    id="repo-1",
    owner="admin",
    name="notes",
    url="file:///x",
    created_at=dt.datetime(2026, 8, 1, tzinfo=dt.UTC),
)
HERE = Runtime(id="rt-1", name="here", provider="fake", owner="admin", labels={"zone": "a"})


def as_query(image: str | ImageQuery) -> ImageQuery:
    """Return how a package names an image."""
    return ImageQuery(image=image) if isinstance(image, str) else image


def found(tmp_path: Path, *given: Any, **wanted: Any) -> list[tuple[str, str]]:
    """Return the code and message of each objection to one runtime."""
    findings = objections(tmp_path, *given, **wanted)
    return [(finding.code, finding.message) for finding in findings]


def objections(
    tmp_path: Path,
    runtime: Runtime = HERE,
    *,
    repo: Repo = REPO,
    settings: Any = None,
    **needs: Any,
) -> tuple[Finding, ...]:
    """Return the objections to one runtime."""

    def gate(runtime_id: str) -> ProviderGate:
        if runtime.provider == "broken":
            raise PluginLoadError("the provider is broken")
        fake = FakeProvider(
            runtime,
            settings=settings or FakeSettings(),
            credential=FakeCredential(),
            context=Context(installation_id="a" * 32, state_dir=tmp_path),
        )
        return ProviderGate(fake, runtime_id=runtime_id)

    wanted = Needs(
        repo=repo,
        kinds=frozenset(needs.get("kinds", {"compute.create", "agent.wait"})),
        images=frozenset(map(as_query, needs.get("images", ()))),
    )
    [one] = match([runtime], wanted, gate=gate, core_kinds=CORE_KINDS)
    assert one.runtime is runtime
    assert all(finding.file == runtime.id for finding in one.findings)
    return one.findings


def test_a_runtime_that_fits_has_no_objection(tmp_path: Path) -> None:
    """The core's own kinds need no provider."""
    assert found(tmp_path, images=["debian"]) == []


@pytest.mark.parametrize("providers", [(), ("fake",), ("aws", "fake")])
def test_the_provider_is_among_the_repos(tmp_path: Path, providers: tuple[str, ...]) -> None:
    """None named is all of them."""
    assert found(tmp_path, repo=attrs.evolve(REPO, providers=providers)) == []


def test_a_provider_the_repo_does_not_name_is_ruled_out(tmp_path: Path) -> None:
    """The message names those it does."""
    [(code, message)] = found(tmp_path, repo=attrs.evolve(REPO, providers=("aws", "azure")))

    assert code == "match.repo_provider"
    assert message == "Runtime here: its provider is fake; repo notes allows aws, azure."


@pytest.mark.parametrize(
    ("selectors", "labels", "codes"),
    [
        pytest.param({"zone": ("a", "b")}, {"zone": "a"}, 0, id="one-of-the-values"),
        pytest.param({"zone": ("b",)}, {"zone": "a"}, 1, id="none-of-the-values"),
        pytest.param({"zone": ("a",)}, {}, 1, id="no-such-label"),
        pytest.param({"zone": ("a",)}, {"zone": "A"}, 1, id="another-case"),
        pytest.param({"zone": ("a",)}, {"zone": "ab"}, 1, id="a-beginning"),
        pytest.param({"zone": ("a",), "x": ("1",)}, {"zone": "a"}, 1, id="one-key-of-two"),
        pytest.param({"zone": ("b",), "x": ("1",)}, {"zone": "a"}, 2, id="no-key-of-two"),
        pytest.param({"zone": ("a",), "x": ("1",)}, {"zone": "a", "x": "1"}, 0, id="both-keys"),
    ],
)
def test_selectors_are_exact(
    tmp_path: Path, selectors: Any, labels: dict[str, str], codes: int
) -> None:
    """All keys, any value of each."""
    told = found(
        tmp_path, attrs.evolve(HERE, labels=labels), repo=attrs.evolve(REPO, selectors=selectors)
    )

    assert [code for code, _ in told] == ["match.selector"] * codes


def test_a_label_that_is_not_set_is_told_as_such(tmp_path: Path) -> None:
    """With what is asked for."""
    repo = attrs.evolve(REPO, selectors={"zone": ("b", "c")})

    [(_, message)] = found(tmp_path, attrs.evolve(HERE, labels={}), repo=repo)

    assert message == "Runtime here: its label zone is not set; repo notes asks for b or c."


def test_kinds_the_provider_does_not_offer_rule_it_out(tmp_path: Path) -> None:
    """All of them are named."""
    needed = {"volume.create", "compute.create", "release.install"}

    [(code, message)] = found(
        tmp_path, settings=FakeSettings(interfaces=("compute",)), kinds=needed
    )

    assert code == "match.offers"
    assert message.endswith("does not offer release.install, volume.create.")


def test_images_that_are_not_there_rule_it_out(tmp_path: Path) -> None:
    """Each is told."""
    told = found(tmp_path, images=["no-such-b", "debian", "no-such-a"])

    assert [code for code, _ in told] == ["match.image", "match.image"]
    assert "no-such-a" in told[0][1]


def test_the_image_for_the_runtime_is_looked_for(tmp_path: Path) -> None:
    """Those for other clouds need not be there."""
    image = ImageQuery(
        image="",
        choices=(
            ImageChoice(provider="aws", image="no-such-a"),
            ImageChoice(provider="fake", image="debian"),
        ),
    )

    assert found(tmp_path, images=[image]) == []


def test_the_image_for_the_runtime_has_to_be_there(tmp_path: Path) -> None:
    """That others are does not help."""
    image = ImageQuery(
        image="debian", choices=(ImageChoice(provider="fake", image="no-such-image"),)
    )

    [(code, message)] = found(tmp_path, images=[image])

    assert code == "match.image"
    assert "no-such-image" in message


@pytest.mark.parametrize(
    ("zone", "place"),
    [pytest.param("", "fake", id="no-zone"), pytest.param("z1", "fake (zone z1)", id="zone")],
)
def test_a_package_without_an_image_for_the_runtime_says_which_it_has(
    tmp_path: Path, zone: str, place: str
) -> None:
    """So that a user sees where to go."""
    image = ImageQuery(
        image="",
        choices=(
            ImageChoice(provider="local", image="app"),
            ImageChoice(provider="aws", region="us-east-1", image="ami-2"),
            ImageChoice(provider="aws", region="eu-west-1", image="ami-1"),
        ),
    )

    told = found(tmp_path, attrs.evolve(HERE, zone=zone), images=[image])

    message = (
        f"Runtime here: the package names no image for provider {place}; it names: "
        "aws (eu-west-1, us-east-1), local."
    )
    assert told == [("match.image", message)]


def test_what_is_wrong_with_all_images_is_told_once(tmp_path: Path) -> None:
    """Of three roles that ask for Docker images, say."""
    images = [ImageQuery(image=name, container="docker") for name in ("a", "b", "c")]

    [(code, message)] = found(tmp_path, images=images)

    assert code == "match.image"
    assert message.endswith("does not run Docker images yet.")


@pytest.mark.parametrize(
    ("effect", "step"),
    [
        pytest.param(
            FakeEffect.TEMPORARY, "Try it again: the cloud may answer then.", id="passing"
        ),
        pytest.param(FakeEffect.AUTH, None, id="lasting"),
    ],
)
def test_an_image_that_cannot_be_looked_for_rules_it_out(
    tmp_path: Path, effect: FakeEffect, step: str | None
) -> None:
    """What may pass is worth another try."""
    fault = FakeFault(operation="image.resolve", effect=effect)

    [finding] = objections(tmp_path, settings=FakeSettings(faults=(fault,)), images=["debian"])

    assert (finding.code, finding.next_step) == ("match.image", step)


def test_the_next_step_is_the_providers_own(tmp_path: Path) -> None:
    """It knows best how its images get there."""

    def gate(runtime_id: str) -> ProviderGate:
        raise PluginLoadError("the provider is broken.", next_step="Install it again.")

    needs = Needs(repo=REPO, kinds=frozenset(), images=frozenset())

    [one] = match([HERE], needs, gate=gate, core_kinds=CORE_KINDS)

    [finding] = one.findings
    assert finding.message == "Runtime here: the provider is broken."
    assert finding.next_step == "Install it again."


def test_a_broken_provider_rules_out_its_own_runtimes(tmp_path: Path) -> None:
    """It raises for nobody else."""
    told = found(tmp_path, attrs.evolve(HERE, provider="broken"))

    assert told == [("match.provider", "Runtime here: the provider is broken.")]


def test_what_a_package_needs_is_asked_of_its_type() -> None:
    """Kinds and images."""
    package = read_package(
        core_world.note(requires=["a.b"], images=["debian"]), {"note": core_world.NoteType()}
    )

    needs = needs_of(package, {}, REPO)

    assert needs.kinds == {"a.b"}
    assert needs.images == {ImageQuery(image="debian")}


@pytest.mark.parametrize(
    ("step", "kind"), [("requires", PackageError), ("template", TemplateRenderError)]
)
def test_a_type_that_fails_to_say_is_a_package_error(step: str, kind: type[PackageError]) -> None:
    """An error of ours goes through as it is."""
    package = read_package(core_world.note(raises=step), {"note": core_world.NoteType()})

    with pytest.raises(kind) as caught:
        needs_of(package, {}, REPO)

    assert type(caught.value) is kind
