"""Packages by their template: what the app type makes of each dialect."""

import pytest
from vm_packages import VM, cluster_json, config_json, group, leaf, node, package, parsed, planned

from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Level
from pitrix_core.package import Package
from pitrix_vm.spec import fill_configured, read_configured
from pitrix_vm.template import JINJA

JINJA_FILE = "cluster.json.j2"
LOGIC = """{
  "name": {{ cluster.name }}, "subnet": {{ cluster.subnet }},
  "nodes": [
    {% for role, settings in {"db": cluster.db, "web": cluster.web} | items %}
    {
      "role": {{ role }}, "count": {{ settings.count }}, "cpu": 1, "memory": 512,
      "container": {"type": "kvm", "image": {{ role ~ ":1" }}},
      "env": {"port": {{ env["db.port"] }}, "password": {{ env.password }}}
    }{% if not loop.last %},{% endif %}
    {% endfor %}
  ]
}"""


def test_a_template_with_logic_is_planned() -> None:
    """Loops make roles, and the user's values are in them."""
    spec = parsed(LOGIC, file=JINJA_FILE)

    draft = planned(spec, {"cluster": {"db": {"count": 3}}})

    assert spec.dialect == JINJA
    assert [planned_node.role for planned_node in draft.nodes] == ["db", "db", "db", "web"]


def test_a_template_with_logic_has_no_remarks_when_it_is_sound() -> None:
    """Its paths are those of the form."""
    findings = VM.validate(parsed(LOGIC, file=JINJA_FILE))

    assert [found for found in findings if found.code.startswith("template.")] == []


def test_a_marker_of_a_password_goes_through_logic() -> None:
    """What is stored encrypted stays a marker."""
    spec = parsed(LOGIC, file=JINJA_FILE)

    done = fill_configured(spec, {"env": {"password": {"$secret": "sec-1"}}})

    assert done.document["nodes"][0]["env"]["password"] == {"$secret": "sec-1"}


def test_a_template_that_looks_at_a_password_is_refused_when_it_is_read() -> None:
    """Not only once somebody deploys it, whose password is a marker then."""
    text = LOGIC.replace("{{ env.password }}", '{{ env.password ~ "" }}')

    with pytest.raises(PackageInvalidError, match=r"line 8, column .* a password"):
        parsed(text, file=JINJA_FILE)


def test_a_parameter_in_a_branch_that_is_not_taken_is_remarked_on() -> None:
    """It would be an error once the branch is taken."""
    text = LOGIC.replace('"cpu": 1', '"cpu": {% if false %}{{ cluster.cpu }}{% else %}1{% endif %}')

    [found] = [f for f in VM.validate(parsed(text, file=JINJA_FILE)) if "cpu" in f.message]

    assert (found.code, found.level, found.line) == ("template.parameter", Level.WARNING, 6)
    assert "error" in found.message


def test_names_of_plugins_are_seen_by_templates() -> None:
    """Wherever the template is filled in, they are there."""
    named = VM.with_template_names({"image_of": lambda role: f"{role}:7"})
    text = LOGIC.replace('{{ role ~ ":1" }}', "{{ image_of(role) }}")

    spec = named.parse(package(text, file=JINJA_FILE))

    assert fill_configured(spec, {}).document["nodes"][1]["container"]["image"] == "web:7"
    assert read_configured(spec, {}).cluster is not None


def test_the_type_itself_stays_without_names() -> None:
    """Who asks for names gets another one."""
    VM.with_template_names({"image_of": str})

    with pytest.raises(PackageInvalidError, match="there is no 'image_of' here"):
        parsed("{{ image_of(1) }}", file=JINJA_FILE)


def test_one_of_two_templates_is_read() -> None:
    """The other one is remarked on."""
    first = package(LOGIC, file=JINJA_FILE)
    files = {**first.files, "cluster.json.tmpl": b"["}

    spec = VM.parse(Package(digest=first.digest, files=files))

    [found] = [f for f in VM.validate(spec) if f.code == "template.ignored"]
    assert (spec.dialect, found.file) == (JINJA, "cluster.json.tmpl")


def test_a_comma_that_was_put_right_is_remarked_on_once() -> None:
    """With its place in the template."""
    template = '{"nodes": [{"container": {"image": "i"},\n "count": "{{.cluster.n}}",}]}'
    form = config_json(group("cluster", leaf("n", default=1)))

    spec = parsed(template, form=form)

    [found] = [f for f in VM.validate(spec) if f.code == "json.comma"]
    assert (found.file, found.line, found.column) == ("cluster.json.tmpl", 2, 27)
    assert [f.code for f in read_configured(spec, {}).findings].count("json.comma") == 1


def test_both_spellings_of_tags_are_read_and_remarked_on() -> None:
    """The package stays usable."""
    counts = '"count": "{{.cluster.n}}", "cpu": {{cluster.n}}'
    text = '{"nodes": [{"container": {"image": "i"}, ' + counts + "}]}"
    form = config_json(group("cluster", leaf("n", default=1)))

    spec = parsed(text, form=form)

    assert "template.mixed" in {found.code for found in VM.validate(spec)}
    assert spec.sample.roles[0].count == 1


def test_values_that_explode_are_refused_when_the_package_is_read() -> None:
    """A stranger's package cannot keep us busy."""
    text = "{% set a = 'aa' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}"

    with pytest.raises(PackageInvalidError, match="takes more than") as caught:
        parsed(text, file=JINJA_FILE)

    assert [found.code for found in caught.value.findings if found.level is Level.ERROR] == [
        "template.limit"
    ]


def test_a_bad_template_of_tags_is_no_worse_for_a_node() -> None:
    """What a tag without its parameter gives is null, and the package says so."""
    spec = parsed(cluster_json(node("db", env={"a": "{{.env.nope}}"})))

    [found] = [f for f in VM.validate(spec) if "nope" in f.message]
    assert (found.code, found.line is not None) == ("template.parameter", True)
