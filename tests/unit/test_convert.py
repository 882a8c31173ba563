"""Records become JSON and come back; JSON from outside is checked, every violation at its place."""

import datetime as dt
import enum
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any

import attrs
import jsonschema
import msgspec
import pytest

from pitrix_core import convert, errors, model, validation
from pitrix_core.findings import Finding, Level
from pitrix_core.model.resource import Tags

AT = dt.datetime(2026, 8, 1, 12, 30, 15, 250_000, tzinfo=dt.UTC)
RUNTIME = model.Runtime(
    id="rt-1", name="here", provider="local", owner="admin", labels={"zone": "a"}, throw_away=True
)
INFO = model.AppInfo(name="etcd", version="3.5.1", keywords=("kv",), maintainers=({"name": "x"},))
SPEC = model.PackageSpec(info=INFO, dialect="openpitrix")
TASK = model.Task(
    key="compute.create/etcd/1",
    kind="compute.create",
    title="Create machine etcd 1",
    input={"network_id": {"$ref": "network.ensure#/id"}, "volumes": [{"size_gib": 1}]},
    after=("network.ensure",),
    node_id="cln-1",
)
FINDING = Finding(level=Level.WARNING, code="config.odd", message="Odd.", pointer="/a", file="f")
PLANNED = model.PlannedNode(id="cln-1", role="etcd", sid=1, gid=1, planned={"cpu": 1})
CLUSTER = model.Cluster(
    id="cl-1",
    name="shop",
    owner="admin",
    state=model.ClusterState.ACTIVE,
    runtime_id="rt-1",
    app_version_id="ver-1",
    config={"password": {"$secret": "sec-1"}},
    revision=3,
    created_at=AT,
    updated_at=AT,
)
NODE = model.Node(
    id="cln-1",
    cluster_id="cl-1",
    role="etcd",
    sid=1,
    gid=1,
    gsid=7,
    state=model.NodeState.RUNNING,
    facts={"ip": "127.1.0.1"},
)
HEALTH = model.NodeHealth(
    state=model.HealthState.UNHEALTHY,
    since=AT,
    detail="exit code 1",
    action={"at": "2026-08-01T00:00:00Z", "exit_code": 0, "output": ""},
    reported_at=AT,
)
SAMPLE = model.Sample(node_id="cln-1", at=AT, values={"load": 0.5, "mode": "leader"})
ITEM = model.MeasuredItem(name="load", unit="%", scale=0.01)
TAB = model.DisplayTab(title="Users", cmd="users", roles=("etcd",))
OWNED = model.OwnedResource(
    cluster_id="cl-1",
    kind="volume.create",
    resource_id="vol-1",
    node_id="cln-1",
    request_key="key-1",
    outputs={"id": "vol-1"},
)
SNAPSHOT = model.ClusterSnapshot(cluster=CLUSTER, nodes=(NODE,), resources=(OWNED,))
OPERATION = model.Operation(
    request_key="key-1",
    kind="compute.create",
    state=model.OperationState.NEXT_STAGE,
    resource_id="i-1",
    stage="clone",
    handle={"at": [1, 2.5, None, True]},
    retry_after_s=0.5,
)
TAGS = Tags(installation_id="a" * 32, cluster_id="cl-1", request_key="key-1")
PLAN = model.Plan(
    id="plan-1",
    action=model.Action.CREATE,
    owner="admin",
    cluster_id="cl-1",
    cluster_name="shop",
    revision=0,
    app_version_id="ver-1",
    runtime_id="rt-1",
    config={},
    tasks=(TASK,),
    nodes=(PLANNED,),
    endpoints={"client": {"port": 2379}},
    totals=model.Totals(machines=1, cpu=1, memory_mib=512),
    price=model.Price(amount_per_month=Decimal("12.50"), currency="EUR", source="sheet"),
    findings=(FINDING,),
    digest="0" * 64,
    created_at=AT,
)
JOB = model.Job(
    id="job-1",
    action=model.Action.DELETE,
    plan_id="plan-1",
    cluster_id="cl-1",
    owner="admin",
    state=model.JobState.RUNNING,
    created_at=AT,
    progress={"ready": 2},
)
TASK_RECORD = model.TaskRecord(
    id="task-1",
    job_id="job-1",
    owner="admin",
    cluster_id="cl-1",
    runtime_id="rt-1",
    key=TASK.key,
    kind=TASK.kind,
    title=TASK.title,
    input=TASK.input,
    after=TASK.after,
    node_id=None,
    timeout_s=600.0,
    max_attempts=5,
    state=model.TaskState.CLAIMED,
    attempts=1,
    fence=4,
    request_key="key-1",
    sent_at=AT,
    operation=OPERATION,
    outputs={},
    error=None,
    error_code=None,
    run_at=AT,
    started_at=AT,
    finished_at=None,
)
INSTANCE_SPEC = model.InstanceSpec(
    name="etcd-1",
    cluster_id="cl-1",
    image=model.ImageQuery(image="debian"),
    volumes=(model.VolumeAttachment(volume_id="vol-1", mount_points=("/a", "/b")),),
    user_data="#!/bin/sh\n",
)

RECORDS: list[Any] = [
    AT,
    CLUSTER,
    FINDING,
    HEALTH,
    INFO,
    INSTANCE_SPEC,
    ITEM,
    JOB,
    NODE,
    OPERATION,
    OWNED,
    PLAN,
    PLANNED,
    RUNTIME,
    SAMPLE,
    SNAPSHOT,
    SPEC,
    TAB,
    TAGS,
    TASK,
    TASK_RECORD,
    model.AgentStart(agent="drone", config={"token": {"$secret": "sec-2"}}),
    model.Instance(id="i-1", state=model.InstanceState.STOPPED, details={"host": "h"}),
    model.Link(cluster_id="cl-2", pointer="/cluster/zk", limits={"zookeeper": ("3.4.9",)}),
    model.Metadata(shared={"a": "1"}, roles={"etcd": {"b": "2"}}, nodes={"cln-1": {"c": "3"}}),
    model.NetworkSpec(name="n", cluster_id="cl-1"),
    model.NoCredential(),
    model.NoSettings(),
    model.PackageIndex(files={"cluster.json.tmpl": 17}),
    model.PlanDraft(tasks=(TASK,), nodes=(PLANNED,), findings=(FINDING,)),
    model.PlanRequest(
        action=model.Action.CREATE,
        cluster_id="cl-1",
        name="shop",
        spec=SPEC,
        config={},
        runtime=RUNTIME,
        current=SNAPSHOT,
        offers=frozenset({"compute.create", "compute.delete"}),
    ),
    model.Price(amount_per_month=Decimal("0.10"), currency="EUR", source="sheet"),
    model.Ref(task="a", pointer="/id"),
    model.ResourceRef(id="i-1"),
    model.SecretRef(id="sec-1"),
    model.TaggedResource(interface="compute", id="i-1", tags=TAGS, age_s=1.5),
    model.Totals(cpu=-1),
    model.ImageChoice(provider="aws", region="eu-west-1", image="ami-1"),
    model.ImageQuery(
        image="debian",
        container="docker",
        choices=(model.ImageChoice(provider="local", image="app"),),
    ),
    model.VolumeAttachment(volume_id="vol-1", mount_points=("/a", "/b")),
    model.VolumeSpec(name="v", cluster_id="cl-1", size_gib=3),
]


FAILURE = model.TaskFailure(
    key="volume.create/etcd/1",
    kind="volume.create",
    title="Create the volume of etcd 1",
    node_id="cln-1",
    error="no room",
    error_code="quota",
    vendor_code="VolumeLimitExceeded",
    vendor_request_id="req-1",
)
ORPHAN = model.Orphan(
    interface="compute", id="i-9", cluster_id="cl-9", request_key="key-9", labels={"name": "db"}
)
LOST = model.Lost(cluster_id="cl-1", cluster_name="shop", kind="volume.create", resource_id="vol-1")
MADE = model.MadeResource(
    task="volume.create/etcd/1", kind="volume.create", resource_id="vol-1", node_id="cln-1"
)
UNDECIDED = model.UndecidedTask(
    key="compute.create/etcd/1",
    kind="compute.create",
    title="Create machine etcd 1",
    request_key="key-2",
    resource_id=None,
)
PACE = model.Pace(under_way=2, concurrency=8, rate_per_s=0.5, throttled_at=AT)
RECORDS += [
    FAILURE,
    LOST,
    MADE,
    ORPHAN,
    UNDECIDED,
    model.AccountReport(runtime_id="rt-1", orphans=(ORPHAN,), lost=(LOST,)),
    model.JobReport(
        **attrs.asdict(JOB, recurse=False),
        failures=(FAILURE,),
        made=(MADE,),
        undecided=(UNDECIDED,),
        actions=(model.JobAction.RETRY, model.JobAction.ROLL_BACK),
    ),
    PACE,
    model.RuntimeLimits(concurrency=3, rate_per_s=0.5),
    model.RuntimeAtWork.of(RUNTIME, pace=PACE),
]


class Colour(enum.StrEnum):
    """A word of a form."""

    RED = "red"
    BLUE = "blue"


@attrs.frozen(kw_only=True)
class Part:
    """A form inside a form."""

    size: int


@attrs.frozen(kw_only=True)
class Form:
    """What a user fills in."""

    name: str
    colour: Colour = Colour.RED
    parts: tuple[Part, ...] = ()
    labels: Mapping[str, str] = attrs.field(factory=dict)
    amount: int = attrs.field(default=1, validator=attrs.validators.gt(0))


@attrs.frozen(kw_only=True)
class Login:
    """A form with a secret."""

    pin: Annotated[str, msgspec.Meta(min_length=30, extra_json_schema={"writeOnly": True})]


def records_of_the_model() -> Iterator[type]:
    """Return the records that the model exports."""
    for name in model.__all__:
        found = getattr(model, name)
        if isinstance(found, type) and attrs.has(found):
            yield found


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_comes_back(record: Any) -> None:
    """Written as JSON text and read again, a record is equal to itself."""
    text = json.dumps(convert.to_json(record), allow_nan=False)

    assert convert.from_json(json.loads(text), type(record)) == record


def test_every_record_of_the_model_is_tried() -> None:
    """No record is left out of the round trip above."""
    assert set(records_of_the_model()) - {type(record) for record in RECORDS} == set()


@pytest.mark.parametrize("cls", list(records_of_the_model()), ids=lambda cls: cls.__name__)
def test_every_record_has_a_schema(cls: type) -> None:
    """The schema of a record is JSON Schema 2020-12, and JSON itself."""
    schema = json.loads(json.dumps(convert.schema_of(cls)))

    jsonschema.Draft202012Validator.check_schema(schema)


def test_times_are_rfc_3339_in_utc() -> None:
    """A time of another zone is written in UTC, to the millisecond."""
    at = AT.astimezone(dt.timezone(dt.timedelta(hours=2)))

    assert convert.to_json(at) == "2026-08-01T12:30:15.250Z"


def test_the_canonical_text_is_one() -> None:
    """The order of members does not matter to a digest."""
    assert convert.canonical({"b": 1, "a": "ä"}) == convert.canonical({"a": "ä", "b": 1})
    assert convert.canonical({"b": 1, "a": "ä"}) == '{"a":"ä","b":1}'


def test_a_form_is_read() -> None:
    """What fits becomes a record, defaults filled in."""
    read = convert.read({"name": "n", "parts": [{"size": 3}], "colour": "blue"}, Form)

    assert read == Form(name="n", colour=Colour.BLUE, parts=(Part(size=3),))


def test_every_violation_is_found_at_its_place() -> None:
    """All violations are reported at once, with pointers under the given one."""
    wrong = {"colour": "green", "parts": [{"size": 1}, {"size": "big"}], "labels": {"a/b": 1}}

    with pytest.raises(errors.InvalidInputError) as caught:
        convert.read(wrong, Form, pointer="/config")

    found = {(finding.pointer, finding.code) for finding in caught.value.findings}
    assert found == {
        ("/config/name", "schema.required"),
        ("/config/colour", "schema.enum"),
        ("/config/parts/1/size", "schema.type"),
        ("/config/labels/a~1b", "schema.type"),
    }
    assert caught.value.pointer == caught.value.findings[0].pointer


def test_unknown_members_are_refused() -> None:
    """A member that is misspelt is found, also in a form inside a form."""
    with pytest.raises(errors.InvalidInputError) as caught:
        convert.read({"name": "n", "colr": "red", "parts": [{"size": 1, "sise": 2}]}, Form)

    assert {(f.pointer, f.code) for f in caught.value.findings} == {
        ("/colr", "schema.additionalProperties"),
        ("/parts/0/sise", "schema.additionalProperties"),
    }


def test_a_value_that_the_class_refuses_is_bad_input() -> None:
    """What only the class's own validator knows is bad input as well."""
    with pytest.raises(errors.InvalidInputError, match="Form"):
        convert.read({"name": "n", "amount": 0}, Form)


def test_a_secret_is_not_quoted() -> None:
    """The message about a value that is write-only does not hold it."""
    with pytest.raises(errors.InvalidInputError) as caught:
        convert.read({"pin": "t0p-secret"}, Login)

    assert "t0p-secret" not in f"{caught.value} {caught.value.findings}"
    assert caught.value.findings[0].pointer == "/pin"


def test_a_long_value_is_cut() -> None:
    """Messages that quote a value stay short."""
    [found] = validation.violations({"name": ["x" * 5000]}, convert.schema_of(Form))

    assert len(found.message) <= 300


def test_a_summary_counts_the_rest() -> None:
    """A line names the first three findings and how many more there are."""
    found = [attrs.evolve(FINDING, pointer=f"/{n}") for n in range(5)]

    assert validation.summary(found) == "/0: Odd.; /1: Odd.; /2: Odd. (and 2 more)"


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        pytest.param("", {"a/b": [1, {"c~d": 2}]}, id="the-whole"),
        pytest.param("/a~1b/0", 1, id="of-a-list"),
        pytest.param("/a~1b/1/c~0d", 2, id="escaped"),
    ],
)
def test_a_pointer_is_resolved(pointer: str, value: object) -> None:
    """Pointers of RFC 6901 lead to their values."""
    assert validation.resolve_pointer({"a/b": [1, {"c~d": 2}]}, pointer) == value


@pytest.mark.parametrize("pointer", ["/b", "/a/7", "/a/x", "/a/0/z"])
def test_a_pointer_to_nothing_is_told(pointer: str) -> None:
    """A pointer to what is not there is a KeyError, whatever is in its way."""
    with pytest.raises(KeyError):
        validation.resolve_pointer({"a": [1]}, pointer)


def test_pointers_are_escaped() -> None:
    """Slashes and tildes in names are escaped."""
    assert validation.pointer_to(["a/b", 0, "c~d"]) == "/a~1b/0/c~0d"


def test_a_member_is_described_to_forms() -> None:
    """By its field's metadata; one that says nothing has no description."""

    @attrs.frozen
    class Settings:
        said: str = attrs.field(default="", metadata={"description": "What it is for."})
        unsaid: str = ""

    members = validation.resolve_pointer(convert.schema_of(Settings), "/$defs/Settings/properties")

    assert members["said"]["description"] == "What it is for."
    assert "description" not in members["unsaid"]
