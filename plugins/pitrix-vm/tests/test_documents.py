"""The document that a configuration gives, as its author is shown it."""

import pytest
from vm_packages import VM, cluster_json, node, parsed

from pitrix_core.errors import TemplateRenderError


def test_the_document_is_as_the_template_has_it() -> None:
    """Its members keep their order, with the values in them."""
    documents = VM.documents(parsed(cluster_json(node("db"))), {"cluster": {"db": {"count": 3}}})

    document = documents.files["cluster.json"]
    assert list(document) == ["name", "subnet", "nodes"]
    assert document["nodes"][0]["count"] == 3
    assert documents.findings == ()


def test_a_secret_stays_a_marker() -> None:
    """What stands for a password is in the document, not the password."""
    spec = parsed(cluster_json(node("db", env={"password": "{{.env.password}}"})))

    documents = VM.documents(spec, {"env": {"password": {"$secret": "sec-1"}}})

    [role] = documents.files["cluster.json"]["nodes"]
    assert role["env"]["password"] == {"$secret": "sec-1"}


def test_a_document_of_no_cluster_is_shown_with_its_fault() -> None:
    """What is wrong has a pointer into the document, and line and column of the template."""
    template = cluster_json(node("db", cpu="{{.cluster.db.size}}"))

    documents = VM.documents(parsed(template), {"cluster": {"db": {"size": 0}}})

    [finding] = [f for f in documents.findings if f.level == "error"]
    assert finding.pointer == "/nodes/0/cpu"
    assert (finding.file, finding.line) == ("cluster.json.tmpl", 12)
    assert documents.files["cluster.json"]["nodes"][0]["cpu"] == 0


def test_a_cluster_without_machines_is_an_error() -> None:
    """It could not be deployed anywhere."""
    spec = parsed(cluster_json(node("db")))

    documents = VM.documents(spec, {"cluster": {"db": {"count": 0}}})

    assert [(f.level, f.code) for f in documents.findings] == [("error", "cluster.empty")]


def test_a_template_that_gives_no_json_is_an_error() -> None:
    """There is no document to show."""
    spec = parsed('{"nodes": [{"container": {}, "count": {{cluster.db.count}} * 2}]}')

    with pytest.raises(TemplateRenderError, match="only numbers"):
        VM.documents(spec, {"cluster": {"db": {"count": "x"}}})
