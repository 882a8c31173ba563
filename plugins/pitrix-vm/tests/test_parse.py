"""Reading packages: which are ours, what is wrong with others, what their authors should know."""

import pytest
from vm_packages import (
    FORM,
    PACKAGE_JSON,
    VM,
    cluster_json,
    config_json,
    group,
    leaf,
    node,
    package,
    parsed,
    planned,
)

from pitrix_core.errors import PackageInvalidError, PlanRefusedError
from pitrix_core.findings import Level
from pitrix_core.model import PackageIndex

BARE = '{"name": {{cluster.name}}, "nodes": [{"container": {"image": "i"}, "count": 1}]}'


@pytest.mark.parametrize(
    ("files", "is_ours"),
    [
        (("config.json", "cluster.json.tmpl"), True),
        (("config.json", "cluster.json.mustache"), True),
        (("cluster.json.tmpl",), False),
        (("config.json", "cluster.json.j2"), True),
        (("Chart.yaml",), False),
    ],
)
def test_a_package_is_ours_with_a_form_and_a_template(
    files: tuple[str, ...], is_ours: bool
) -> None:
    """Only what can be rendered is claimed."""
    assert VM.claims(PackageIndex(files=dict.fromkeys(files, 1))) is is_ours


@pytest.mark.parametrize(
    ("template", "file", "dialect"),
    [
        pytest.param(cluster_json(node("db")), "cluster.json.tmpl", "openpitrix", id="quoted"),
        pytest.param(BARE, "cluster.json.mustache", "appcenter", id="bare"),
        pytest.param(BARE, "cluster.json.tmpl", "appcenter", id="bare-in-tmpl"),
        pytest.param(
            BARE.replace("{{cluster.name}}", '"x"'), "cluster.json.mustache", "appcenter", id="none"
        ),
    ],
)
def test_the_tags_decide_the_dialect(template: str, file: str, dialect: str) -> None:
    """The file's name counts only where there are no tags."""
    assert parsed(template, file=file).dialect == dialect


def test_a_package_without_metadata_is_refused_with_the_next_step() -> None:
    """The command that helps is named."""
    with pytest.raises(PackageInvalidError, match=r"package\.json") as caught:
        parsed(cluster_json(node("db")), info=None)

    assert "--version" in (caught.value.next_step or "")


def test_metadata_are_kept() -> None:
    """What the package says of itself is in its spec."""
    spec = parsed(cluster_json(node("db")), info={**PACKAGE_JSON, "app_version": "9"})

    assert (spec.info.name, spec.info.version, spec.info.app_version) == ("app", "0.1.0", "9")


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        pytest.param('{"name": 1,\n "nodes": }', "line 2, column 11", id="syntax"),
        pytest.param('{"nodes": "{{.a}}"9}', "line 1, column 19", id="after-a-tag"),
        pytest.param("[]", "tmpl: the list is not an object", id="list"),
        pytest.param("{}", "nodes is missing", id="no-nodes"),
        pytest.param(cluster_json(), "/nodes: the list must not be empty", id="empty-nodes"),
        pytest.param('{"x": {{#a}} }', "only a parameter's path", id="section"),
        pytest.param(
            cluster_json(node("db"), description="{{.cluster.name}} of mine"),
            "not for a part of a text",
            id="inside-a-text",
        ),
        pytest.param(cluster_json(node("db", count="x")), "/nodes/0/count", id="count"),
        pytest.param(cluster_json(node("db", count=1000)), "200", id="too-many"),
        pytest.param(cluster_json(node("a b", count=1)), "/nodes/0/role", id="role"),
        pytest.param(cluster_json(node("db"), node("db")), "2 times", id="role-twice"),
        pytest.param(cluster_json(node("a-replica", count=1)), "reserved", id="replica-name"),
        pytest.param(cluster_json(node("db", volumes={})), "is it 'volume'", id="misspelt"),
        pytest.param(cluster_json(node("db", role2="x")), "is it 'role'", id="numbered"),
        pytest.param(
            cluster_json(node("db", services={"strat": {"cmd": "x"}})),
            "is it 'start'",
            id="service",
        ),
        pytest.param(
            cluster_json(node("db", services={"start": {"cmd": "x", "time_out": 1}})),
            "is it 'timeout'",
            id="attribute",
        ),
        pytest.param(
            cluster_json(node("db", services={"start": {"order": 1}})),
            "no cmd to run",
            id="no-command",
        ),
        pytest.param(
            cluster_json(node("db", server_id_upper_bound=1)), "upper_bound", id="upper-bound"
        ),
        pytest.param(cluster_json(node("db"), env={"a/b": 1}), "/env", id="slash-in-env"),
        pytest.param("[" * 100_000, "not JSON", id="deep"),
    ],
)
def test_a_bad_template_is_refused(template: str, reason: str) -> None:
    """The message names the place, or the member with its pointer."""
    with pytest.raises(PackageInvalidError, match=reason) as caught:
        parsed(template)

    assert {finding.file for finding in caught.value.findings} == {"cluster.json.tmpl"}


@pytest.mark.parametrize(
    ("form", "pointer"),
    [
        pytest.param("[]", "", id="list"),
        pytest.param({"type": "array"}, "", id="no-properties"),
        pytest.param(config_json({"type": "string"}), "/properties/0", id="no-key"),
        pytest.param(config_json(leaf("a" * 256)), "/properties/0/key", id="long-key"),
        pytest.param(config_json({"key": "a", "type": "array"}), "/properties/0", id="no-members"),
    ],
)
def test_a_bad_form_is_refused(form: str, pointer: str) -> None:
    """The finding points at the node."""
    with pytest.raises(PackageInvalidError) as caught:
        parsed(cluster_json(node("db")), form=form)

    assert pointer in {finding.pointer for finding in caught.value.findings}


def test_a_form_without_end_is_refused() -> None:
    """A tree deeper than any real one is refused, not followed."""
    form = group("a", leaf("b"))
    for _ in range(50):
        form = group("a", form)

    with pytest.raises(PackageInvalidError, match="deeper than"):
        parsed(cluster_json(node("db")), form=config_json(form))


def test_oddities_become_warnings() -> None:
    """What does no harm is remarked on, and the package is read."""
    form = config_json(
        group(
            "cluster",
            group("db", leaf("count", default=1, range=[2, 3])),
            leaf("x", "colour", required="nos"),
            leaf("x", "string", pattern="("),
            leaf("y", "integer", min="x"),
        )
    )
    template = cluster_json(node("db", new_member=1, custom_metadata={"cmd": "x"}))

    findings = VM.validate(parsed(template, form=form))

    assert {finding.level for finding in findings} == {Level.WARNING}
    assert {finding.code for finding in findings} == {
        *("form.type", "form.attribute", "form.duplicate", "form.default"),
        *("form.pattern", "cluster.unknown", "cluster.ineffective", "template.parameter"),
    }


def test_a_good_package_has_no_findings() -> None:
    """Nothing is remarked on where nothing is odd."""
    assert VM.validate(parsed(cluster_json(node("db"), node("web")), form=FORM)) == []


def test_every_deployment_needs_machines_and_agents() -> None:
    """Volumes are needed only where a role has some, agents where one has any."""
    silent = VM.requires(parsed(cluster_json(node("db", agent_installed=False))))
    without = VM.requires(parsed(cluster_json(node("db"))))
    with_volume = VM.requires(parsed(cluster_json(node("db", volume={"size": 10}))))

    assert without == {
        *("network.ensure", "compute.create", "compute.delete"),
        *("agent.wait", "metadata.put", "service.run"),
    }
    assert with_volume - without == {"volume.create", "volume.delete"}
    assert without - silent == {"agent.wait", "service.run"}


def test_images_are_those_of_roles_with_machines() -> None:
    """A role without machines needs no image."""
    spec = parsed(cluster_json(node("db"), node("web")))

    images = VM.images(spec, {"cluster": {"web": {"count": 0}}})

    assert {(query.image, query.container) for query in images} == {("db:1", "docker")}


def test_the_package_itself_is_not_needed_again() -> None:
    """Reading is pure: the same package gives an equal spec."""
    template = cluster_json(node("db"))

    assert VM.parse(package(template)) == VM.parse(package(template))


def test_a_package_may_leave_every_count_to_the_user() -> None:
    """Without a machine it cannot be deployed, but it can be offered."""
    form = config_json(group("cluster", group("db", leaf("count", default=0))))

    assert [f.level for f in VM.validate(parsed(cluster_json(node("db")), form=form))] == [
        Level.WARNING,  # cluster.name
        Level.WARNING,  # cluster.subnet
    ]


#: Of which config.json lacks the one parameter that matters.
LACKING = '{"nodes": [{"container": {"image": "i"}, "count": {{cluster.nope.count}}}]}'


def test_a_value_that_no_parameter_gives_is_named_with_its_tag() -> None:
    """The author learns which path of the template config.json does not have."""
    [finding] = [f for f in VM.validate(parsed(LACKING)) if f.code == "cluster.missing"]

    assert finding.level is Level.ERROR
    assert finding.pointer == "/nodes/0/count"
    assert "no parameter 'cluster.nope.count'" in finding.message


def test_a_package_that_lacks_a_parameter_can_be_looked_at() -> None:
    """Its roles can be shown, and nobody can deploy it."""
    spec = parsed(LACKING)

    assert [role.image.image for role in spec.sample.roles] == ["i"]
    with pytest.raises(PlanRefusedError) as caught:
        planned(spec)
    assert "/nodes/0/count" in {found.pointer for found in caught.value.findings}


@pytest.mark.parametrize("steps", ["* 3 / 1024", "+ 10"])
def test_what_is_calculated_with_a_parameter_that_is_lacking_is_named(steps: str) -> None:
    """Nothing times three is nothing, and the author learns why."""
    node = f'{{"container": {{}}, "count": 1, "volume": {{"size": {{{{cluster.nope}}}} {steps}}}}}'

    spec = parsed(f'{{"nodes": [{node}]}}')

    [finding] = [f for f in VM.validate(spec) if f.code == "cluster.missing"]
    assert finding.pointer == "/nodes/0/volume/size"
    assert "no parameter 'cluster.nope'" in finding.message


@pytest.mark.parametrize(
    ("template", "place"),
    [
        pytest.param('{"name": {{cluster.nope}}}', "", id="no-nodes"),
        pytest.param('{"nodes": [{"count": {{cluster.nope}}}]}', "/nodes/0", id="no-container"),
    ],
)
def test_a_member_is_missing_beside_a_parameter_that_is_lacking(template: str, place: str) -> None:
    """No tag stands for it, so it is the template that has to be mended."""
    with pytest.raises(PackageInvalidError) as caught:
        parsed(template)

    assert place in {f.pointer for f in caught.value.findings if f.code == "cluster.missing"}


def test_what_else_is_wrong_is_said_beside_a_parameter_that_is_lacking() -> None:
    """The package cannot be read then, and its author learns of both at once."""
    with pytest.raises(PackageInvalidError) as caught:
        parsed(LACKING.replace('"image"', '"type": "vax", "image"'))

    codes = {found.code for found in caught.value.findings if found.level is Level.ERROR}
    assert codes == {"cluster.missing", "cluster.value"}
