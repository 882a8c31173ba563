"""The clauses of verbs that make a resource of a cluster's own."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import attrs

from pitrix_core.contracts.interface import Start
from pitrix_core.model import OperationState, ResourceRef
from pitrix_core.testing.settling import done, eventually, halted, saved
from pitrix_core.testing.start_suite import StartSuite
from pitrix_core.testing.suite_fixtures import (
    AnyProvider,
    Make,
    NewKey,
    Reopen,
    ids_found,
    interface_of,
    listed,
)

_OTHER_INSTALLATION: Final = "0" * 31 + "1"
_THREADS: Final = 3


class CreatingSuite(StartSuite):
    """The clauses of verbs that make a resource of the cluster's own."""

    def test_the_same_key_makes_the_same_thing(
        self,
        provider: AnyProvider,
        make: Make,
        start_of: Start,
        cluster_id: str,
        request_key: str,
    ) -> None:
        """A request sent again makes nothing new, or ``find`` names all it has made (2, 6)."""
        ids = {make(request_key).outputs["id"], make(request_key).outputs["id"]}

        found = ids_found(provider, self.suite_of, request_key, within_s=start_of.settle_s)
        assert found == ids
        assert len(ids) == 1 or not start_of.honours_key

    def test_other_keys_make_other_things(self, make: Make, new_key: NewKey) -> None:
        """Requests of several threads under keys of their own do not meet (2, 13)."""
        with ThreadPoolExecutor(_THREADS) as threads:
            ended = list(threads.map(make, [new_key() for _ in range(_THREADS)]))

        assert len({operation.outputs["id"] for operation in ended}) == _THREADS

    def test_it_is_found_before_its_start_was_saved(
        self,
        reopen: Reopen,
        begin: Make,
        start_of: Start,
        request_key: str,
        deadline_s: float,
    ) -> None:
        """After a crash another process finds it by its key, and can go on from there (6)."""
        begin(request_key)

        other = interface_of(reopen(), self.suite_of)
        found = eventually(lambda: other.find(request_key), within_s=start_of.settle_s)

        assert [operation.request_key for operation in found] == [request_key]
        ended = done(other, saved(found[0]), deadline_s=deadline_s)
        assert ended.outputs["id"] == found[0].resource_id

    def test_advancing_again_goes_no_further(
        self,
        provider: AnyProvider,
        begin: Make,
        start_of: Start,
        new_key: NewKey,
        deadline_s: float,
    ) -> None:
        """A stage that is started again under its key is the same stage of one thing (4)."""
        interface, key, stage_key = interface_of(provider, self.suite_of), new_key(), new_key()
        operation = halted(interface, begin(key), deadline_s=deadline_s)
        if operation.state is OperationState.NEXT_STAGE:
            first = interface.advance(operation, request_key=stage_key)
            again = interface.advance(operation, request_key=stage_key)
            assert (again.stage, again.resource_id) == (first.stage, first.resource_id)
            operation = again

        ended = done(interface, operation, deadline_s=deadline_s)

        found = ids_found(provider, self.suite_of, key, within_s=start_of.settle_s)
        assert found == {ended.outputs["id"]}

    def test_it_is_found_when_it_is_done(
        self,
        provider: AnyProvider,
        make: Make,
        start_of: Start,
        request_key: str,
    ) -> None:
        """A finished resource is still found by its key, once (clause 6)."""
        ended = make(request_key)

        interface = interface_of(provider, self.suite_of)
        found = eventually(lambda: interface.find(request_key), within_s=start_of.settle_s)
        assert [operation.resource_id for operation in found] == [ended.outputs["id"]]

    def test_it_is_not_found_when_it_is_gone(
        self,
        provider: AnyProvider,
        make: Make,
        cluster_id: str,
        new_key: NewKey,
        deadline_s: float,
    ) -> None:
        """What was deleted is neither found by its key nor listed (clauses 6 and 22)."""
        interface, key = interface_of(provider, self.suite_of), new_key()
        spec = ResourceRef(id=make(key).outputs["id"], cluster_id=cluster_id)

        delete = interface.starter("delete")(spec, request_key=new_key())
        done(interface, delete, deadline_s=deadline_s)

        assert tuple(interface.find(key)) == ()
        assert spec.id not in {found.id for found in provider.owned(cluster_id=cluster_id)}

    def test_it_carries_its_tags(
        self,
        provider: AnyProvider,
        make: Make,
        start_of: Start,
        cluster_id: str,
        request_key: str,
    ) -> None:
        """``owned`` lists it with installation, cluster and key (clauses 9 and 22)."""
        ended = make(request_key)

        [found] = eventually(
            lambda: listed(provider, self.suite_of, cluster_id), within_s=start_of.settle_s
        )
        assert found.id == ended.outputs["id"]
        assert attrs.astuple(found.tags) == (
            provider.context.installation_id,
            cluster_id,
            request_key,
        )

    def test_it_belongs_to_no_other_cluster(
        self, provider: AnyProvider, make: Make, new_key: NewKey
    ) -> None:
        """``owned`` of another cluster does not list it (clause 22)."""
        ended = make(new_key())

        others = listed(provider, self.suite_of, "cl-" + new_key())

        assert ended.outputs["id"] not in {resource.id for resource in others}

    def test_it_belongs_to_no_other_installation(
        self,
        provider: AnyProvider,
        reopen: Reopen,
        make: Make,
        request_key: str,
    ) -> None:
        """Another installation in the same account neither lists nor finds it (6 and 22)."""
        ended = make(request_key)
        context = attrs.evolve(provider.context, installation_id=_OTHER_INSTALLATION)

        other = reopen(context)

        assert ended.outputs["id"] not in {resource.id for resource in other.owned()}
        other.close()
