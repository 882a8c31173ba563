"""A package in short."""

from vm_packages import VM, cluster_json, node, package, parsed

from pitrix_core.package import Package


def test_roles_are_as_the_defaults_make_them() -> None:
    """Image, count, size and volume of each are there."""
    volume = {"size": "{{.cluster.db.size}}", "mount_point": ["/a", "/b"]}
    spec = parsed(cluster_json(node("db", volume=volume), node("web")))

    db, web = VM.outline(spec)["roles"]

    assert db == {
        "role": "db",
        "image": "db:1 (docker)",
        "count": 2,
        "cpu": 1,
        "memory_mib": 512,
        "volume_gib": 10,
        "mount_points": ["/a", "/b"],
    }
    assert (web["volume_gib"], web["mount_points"]) == (None, [])


def test_images_of_several_clouds_are_named() -> None:
    """Beside the image for everywhere else stand the clouds that have their own."""
    image = {"default": "db", "local": "db-local", "aws": {"eu-west-1": "ami-1"}}
    spec = parsed(cluster_json(node("db", container={"type": "kvm", "image": image})))

    [role] = VM.outline(spec)["roles"]

    assert role["image"] == "db (kvm); others for aws (eu-west-1), local"


def test_services_are_listed_by_role_with_their_order() -> None:
    """What runs, and when."""
    services = {"start": {"cmd": "run", "order": 2}, "stop": {"cmd": "end", "timeout": 9}}
    spec = parsed(cluster_json(node("db", services=services)))

    rows = VM.outline(spec)["services"]

    assert [(r["role"], r["service"], r["order"], r["timeout_s"], r["cmd"]) for r in rows] == [
        ("db", "start", 2, 600, "run"),
        ("db", "stop", 0, 9, "end"),
    ]


def test_replicas_are_a_role_without_services_of_their_own() -> None:
    """They run what their masters run, which is not said twice."""
    spec = parsed(cluster_json(node("db", replica=1, services={"start": {"cmd": "run"}})))

    outline = VM.outline(spec)

    assert [(role["role"], role["count"]) for role in outline["roles"]] == [
        ("db", 2),
        ("db-replica", 2),
    ]
    assert [row["role"] for row in outline["services"]] == ["db"]


def test_the_rest_is_counted_and_named() -> None:
    """Parameters, languages, endpoints, links, policies, and what a provider has to offer."""
    template = cluster_json(
        node("db"),
        endpoints={"sql": {"port": 5432, "protocol": "tcp"}, "web": {"port": 80}},
        links={"zk": ""},
        backup_policy="device",
        upgrade_policy=["appv-1"],
    )
    made = package(template)
    files = {**made.files, "locale/zh-cn.json": b"{}"}

    outline = VM.outline(VM.parse(Package(digest=made.digest, files=files)))

    assert outline["parameters"] == 7
    assert outline["languages"] == ["zh-cn"]
    assert outline["endpoints"] == ["sql:5432/tcp", "web:80"]
    assert outline["links"] == ["zk"]
    assert (outline["backup"], outline["upgrades from"]) == ("device", ["appv-1"])
    assert {"compute.create", "service.run"} <= {*outline["requires"]}
