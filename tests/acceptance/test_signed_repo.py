"""From a vendor's key to an app that says who signed it, typed as vendor and operator type it."""

import json
from pathlib import Path

from .conftest import Installation
from .second_app import write_package


def test_only_what_the_vendor_signed_is_offered(installation: Installation, tmp_path: Path) -> None:
    """A signed package is offered with its signer; an unsigned one and a changed one are not."""
    repo, key = tmp_path / "repo", tmp_path / "vendor.key"
    made = installation.run("package", "keygen", str(key), "--no-password", "--json").json
    build = ("package", "build", str(write_package(tmp_path)), "-o", str(repo))
    installation.run(*build, "--sign", str(key))
    installation.run(*build, "--version", "7.0.0")
    installation.run(*build, "--version", "8.0.0", "--sign", str(key), "--format", "zip")
    stale = repo / "hello-7.0.0.tgz.minisig"
    stale.write_bytes((repo / "hello-8.0.0.zip.minisig").read_bytes())
    installation.run(*build, "--version", "9.0.0")

    found = installation.run(
        "repo", "add", "mine", repo.as_uri(), "--key", made["public_key"], "--json"
    ).json

    offered = installation.run("app", "versions", "hello", "--json").json["items"]
    assert len(offered) == 2
    assert offered[0]["version"] == "8.0.0"
    assert {version["signed_by"] for version in offered} == {made["key_id"]}
    told = json.dumps([finding for finding in found["findings"] if finding["level"] == "error"])
    assert "hello 7.0.0: The signature by key" in told
    assert "hello 9.0.0: The archive is not signed; trusted is" in told
