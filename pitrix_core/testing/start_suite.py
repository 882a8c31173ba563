"""The clauses that every verb keeps which makes something, or answers what is there."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest

from pitrix_core.contracts.interface import Start
from pitrix_core.convert import to_json
from pitrix_core.model import Operation, OperationState, ResourceRef
from pitrix_core.model.operation import HANDLE_LIMIT_BYTES
from pitrix_core.testing.settling import done, saved
from pitrix_core.testing.suite_fixtures import (
    AnyProvider,
    Make,
    NewKey,
    ProviderFixtures,
    Reopen,
    credential_texts,
    ids_found,
    interface_of,
)


class StartSuite(ProviderFixtures):
    """The clauses that hold for every verb which makes something or answers what is there."""

    #: Name of the interface that the suite is of.
    suite_of: ClassVar[str]
    #: Its verb that makes something.
    verb: ClassVar[str] = "create"

    @pytest.fixture
    def spec(self) -> Any:
        """Return what is asked for; suites give a default."""
        raise NotImplementedError("override the fixture `spec`")

    @pytest.fixture
    def start_of(self, provider: AnyProvider) -> Start:
        """Return what the provider declares of the verb."""
        interface = interface_of(provider, self.suite_of)
        return interface.start_of(self.verb)

    @pytest.fixture
    def begin(self, provider: AnyProvider, spec: Any) -> Make:
        """Return a function that starts making the thing under a key."""
        starter = interface_of(provider, self.suite_of).starter(self.verb)
        return lambda key: starter(spec, request_key=key)

    @pytest.fixture
    def make(self, provider: AnyProvider, begin: Make, deadline_s: float) -> Make:
        """Return a function that makes the thing under a key, and waits for it."""
        interface = interface_of(provider, self.suite_of)
        return lambda key: done(interface, begin(key), deadline_s=deadline_s)

    def test_a_start_does_not_wait_for_the_cloud(
        self, begin: Make, request_key: str, start_limit_s: float
    ) -> None:
        """A start returns within one request (clauses 1 and 12)."""
        before = time.monotonic()

        operation = begin(request_key)

        assert time.monotonic() - before < start_limit_s
        assert isinstance(operation, Operation)

    def test_an_operation_names_its_request(
        self, make: Make, begin: Make, request_key: str
    ) -> None:
        """Start and poll answer for the key and kind that were asked for (clause 2)."""
        started, ended = begin(request_key), make(request_key)

        kind = f"{self.suite_of}.{self.verb}"
        assert (started.request_key, started.kind) == (request_key, kind)
        assert (ended.request_key, ended.kind) == (request_key, kind)

    def test_it_ends_with_an_id(self, make: Make, request_key: str) -> None:
        """The outputs of a finished operation hold ``id``, and texts only (clause 7)."""
        ended = make(request_key)

        assert ended.outputs["id"]
        assert {type(value) for value in ended.outputs.values()} == {str}

    def test_two_threads_with_one_key_make_one_thing(
        self,
        provider: AnyProvider,
        make: Make,
        start_of: Start,
        request_key: str,
    ) -> None:
        """Requests under one key make one resource, or ``find`` names all of them (2, 6, 13)."""
        with ThreadPoolExecutor(2) as threads:
            ended = list(threads.map(make, [request_key, request_key]))

        ids = {operation.outputs["id"] for operation in ended}
        if start_of.honours_key:
            assert len(ids) == 1
        else:
            found = ids_found(provider, self.suite_of, request_key, within_s=start_of.settle_s)
            assert not found or found == ids

    def test_polling_changes_nothing(
        self,
        provider: AnyProvider,
        begin: Make,
        cluster_id: str,
        request_key: str,
        deadline_s: float,
    ) -> None:
        """However often it is polled, the same things are there, and the end is the same (3)."""
        interface = interface_of(provider, self.suite_of)
        started = begin(request_key)
        ended = done(interface, started, deadline_s=deadline_s)
        before = {found.id for found in provider.owned(cluster_id=cluster_id)}

        again = [interface.poll(started), interface.poll(ended), interface.poll(ended)]

        assert [(op.state, op.outputs) for op in again[1:]] == [(ended.state, ended.outputs)] * 2
        after = {found.id for found in provider.owned(cluster_id=cluster_id)}
        assert before <= after <= before | {ended.outputs["id"]}

    def test_another_process_goes_on_polling(
        self,
        reopen: Reopen,
        begin: Make,
        request_key: str,
        deadline_s: float,
    ) -> None:
        """All that polling needs is in the operation (clauses 3 and 5)."""
        started = begin(request_key)

        other = reopen()

        ended = done(interface_of(other, self.suite_of), saved(started), deadline_s=deadline_s)
        other.close()
        assert ended.outputs["id"]

    def test_many_are_polled_as_each_alone(
        self, provider: AnyProvider, make: Make, new_key: NewKey
    ) -> None:
        """Polling several answers for each what polling it alone would, in their order (14)."""
        interface = interface_of(provider, self.suite_of)
        ended = [make(new_key()) for _ in range(min(2, interface.polls_at_once))]

        together = list(interface.poll_many(ended))

        alone = [interface.poll(operation) for operation in ended]
        assert [_standing(found) for found in together] == [_standing(found) for found in alone]

    def test_the_handle_is_json_and_small(self, make: Make, begin: Make, request_key: str) -> None:
        """A handle comes back from JSON as it was, and is at most 16 KiB (clause 5)."""
        for operation in (begin(request_key), make(request_key)):
            text = json.dumps(to_json(operation.handle), allow_nan=False)

            assert json.loads(text) == operation.handle
            assert len(text.encode()) <= HANDLE_LIMIT_BYTES

    def test_a_pause_is_named(self, begin: Make, request_key: str) -> None:
        """The pause before the next poll is a number of seconds above zero (clause 3)."""
        operation = begin(request_key)

        assert 0 < operation.retry_after_s < float("inf")

    def test_an_unknown_key_finds_nothing(self, provider: AnyProvider, request_key: str) -> None:
        """Under a key that was never sent, nothing is found (clause 6)."""
        found = interface_of(provider, self.suite_of).find(request_key)

        assert tuple(found) == ()

    def test_deleting_what_is_not_there_is_done(
        self, provider: AnyProvider, unknown_id: str, cluster_id: str, request_key: str
    ) -> None:
        """Deleting an unknown id is done at once (clause 8)."""
        spec = ResourceRef(id=unknown_id, cluster_id=cluster_id)

        operation = interface_of(provider, self.suite_of).starter("delete")(
            spec, request_key=request_key
        )

        assert operation.state is OperationState.DONE

    def test_deleting_twice_is_done(
        self,
        provider: AnyProvider,
        make: Make,
        cluster_id: str,
        new_key: NewKey,
        deadline_s: float,
    ) -> None:
        """What was deleted can be deleted again (clause 8)."""
        interface = interface_of(provider, self.suite_of)
        spec = ResourceRef(id=make(new_key()).outputs["id"], cluster_id=cluster_id)
        delete = interface.starter("delete")

        first = done(interface, delete(spec, request_key=new_key()), deadline_s=deadline_s)
        second = done(interface, delete(spec, request_key=new_key()), deadline_s=deadline_s)

        assert (first.state, second.state) == (OperationState.DONE, OperationState.DONE)

    def test_the_credential_is_in_no_answer_and_no_log(
        self,
        provider: AnyProvider,
        make: Make,
        begin: Make,
        caplog: pytest.LogCaptureFixture,
        request_key: str,
    ) -> None:
        """No text of the credential appears in an operation or a log (clause 11)."""
        caplog.set_level("DEBUG")

        shown = [str(to_json(begin(request_key))), str(to_json(make(request_key))), caplog.text]

        assert not [text for text in credential_texts(provider) for place in shown if text in place]


def _standing(found: object) -> tuple[object, ...]:
    if not isinstance(found, Operation):
        return (found,)
    return found.request_key, found.state, found.outputs
