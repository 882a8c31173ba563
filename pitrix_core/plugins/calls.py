"""The gate every call of a provider passes.

Outwards, it lets the plugins around a call see it and logs it. Inwards, it trusts nothing: an
exception of a class the contract does not know becomes a permanent failure, and an answer that
breaks a clause of the contract is a failure that names the clause. It stands on the path of every
poll, so what nobody asked for is not prepared.
"""

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from pitrix_core.contracts import Interface, Provider
from pitrix_core.contracts.calls import ProviderCall
from pitrix_core.contracts.interface import Start
from pitrix_core.errors import ProviderError
from pitrix_core.findings import Finding
from pitrix_core.model import (
    ImageQuery,
    Instance,
    Operation,
    Price,
    TaggedResource,
    Task,
)
from pitrix_core.plugins.answers import broken, checked_operation, instance, instances
from pitrix_core.plugins.hiding import fields_of, hidden_texts_of, texts_of, without
from pitrix_core.plugins.hooks import Hooks

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Stands for None on its way through the hook, which takes None for "not mine".
_NOTHING: Final = object()


class ProviderGate:
    """One provider behind its gate. May be used by several threads at a time."""

    def __init__(
        self, provider: Provider[Any, Any], *, runtime_id: str, hooks: Hooks | None = None
    ) -> None:
        """Stand in front of a provider.

        :param hooks: whose ``pitrix_provider_call`` stands around each call; nobody's by default.
        """
        self._provider = provider
        self._runtime_id = runtime_id
        self._hooks = hooks or Hooks()
        self._interfaces: Mapping[str, Interface] | None = None

    @property
    def provider(self) -> Provider[Any, Any]:
        """What stands behind; for its class's facts, not to be called."""
        return self._provider

    # -- operations --------------------------------------------------------------------------------

    def start(self, kind: str, spec: object, *, request_key: str) -> Operation:
        """Send a request.

        :param kind: such as ``compute.create``.
        :param spec: an instance of the class that :meth:`start_of` names.
        :raises ProviderError: as the contract of the method says, or for a broken answer.
        :raises UnsupportedOperationError: the provider does not offer it.
        """
        log.info("starts %s", kind, extra=self._facts(kind))
        name, _, verb = kind.partition(".")
        found = self._call(
            kind,
            lambda: self._interface(name).starter(verb)(spec, request_key=request_key),
            {"spec": spec, "request_key": request_key},
            secrets_in=spec,
        )
        return checked_operation(found, called=kind, kind=kind, key=request_key)

    def poll(self, operation: Operation) -> Operation:
        """Look how an operation stands; changes nothing.

        :raises ProviderTemporaryError: the cloud did not answer; poll again.
        :raises ProviderError: the cloud refuses to tell, or answers something broken.
        """
        name = operation.kind.partition(".")[0]
        called = f"{name}.poll"
        log.debug("polls %s", operation.kind, extra=self._facts(called))
        found = self._call(
            called, lambda: self._interface(name).poll(operation), {"operation": operation}
        )
        return checked_operation(
            found, called=called, kind=operation.kind, key=operation.request_key
        )

    def poll_many(self, operations: Sequence[Operation]) -> list[Operation | ProviderError]:
        """Look how several operations of one kind stand, with one call; changes nothing.

        :returns: for each, in their order, how it stands or why that is not told.
        :raises ProviderTemporaryError: the cloud did not answer; poll all of them again.
        :raises ProviderError: the cloud refuses to tell of any, or answers something broken.
        """
        name = operations[0].kind.partition(".")[0]
        called = f"{name}.poll_many"
        log.debug("polls %d %s", len(operations), operations[0].kind, extra=self._facts(called))
        found = self._call(
            called,
            lambda: tuple(self._interface(name).poll_many(operations)),
            {"operations": tuple(operations)},
        )
        answers = instances(found, object, called=called, clause=14)
        if len(answers) != len(operations):
            what = f"it answers for {len(answers)} operations of {len(operations)}"
            raise broken(called, 14, what)
        return [
            _answer_for(operation, answer, called=called)
            for operation, answer in zip(operations, answers, strict=True)
        ]

    def advance(self, operation: Operation, *, request_key: str) -> Operation:
        """Start the next stage of an operation that answered ``next_stage``.

        :param request_key: of the stage; the answer goes on with the operation's.
        :raises ProviderError: as for :meth:`start`.
        """
        name = operation.kind.partition(".")[0]
        called = f"{name}.advance"
        log.info("advances %s", operation.kind, extra=self._facts(called))
        found = self._call(
            called,
            lambda: self._interface(name).advance(operation, request_key=request_key),
            {"operation": operation, "request_key": request_key},
        )
        return checked_operation(
            found, called=called, kind=operation.kind, key=operation.request_key
        )

    def find(self, kind: str, request_key: str) -> tuple[Operation, ...]:
        """Return every resource that was made under a key.

        :param kind: of the request whose answer was lost.
        :raises ProviderError: as for :meth:`poll`.
        """
        name = kind.partition(".")[0]
        called = f"{name}.find"
        log.info("looks for what %s has made", kind, extra=self._facts(called))
        found = self._call(
            called,
            lambda: tuple(self._interface(name).find(request_key)),
            {"request_key": request_key},
        )
        checked = tuple(
            checked_operation(each, called=called, kind=kind, key=request_key)
            for each in instances(found, object, called=called, clause=6)
        )
        for each in checked:
            if not each.resource_id:
                raise broken(called, 6, "a resource was found without its id")
        return checked

    # -- looking -----------------------------------------------------------------------------------

    def check(self) -> list[Finding]:
        """Say whether the runtime can be used.

        :raises ProviderTemporaryError: the cloud did not answer.
        """
        called = "provider.check"
        found = self._call(called, lambda: tuple(self._provider.check()), {})
        return list(instances(found, Finding, called=called, clause=21))

    def owned(self, cluster_id: str | None = None) -> tuple[TaggedResource, ...]:
        """List what carries this installation's tag.

        :param cluster_id: only this cluster's.
        :raises ProviderError: also when something of another installation or cluster is listed.
        """
        called = "provider.owned"
        found = self._call(
            called,
            lambda: tuple(self._provider.owned(cluster_id=cluster_id)),
            {"cluster_id": cluster_id},
        )
        resources = instances(found, TaggedResource, called=called, clause=22)
        installation_id = self._provider.context.installation_id
        for resource in resources:
            if resource.tags.installation_id != installation_id:
                raise broken(called, 22, f"{resource.id} belongs to another installation")
            if cluster_id is not None and resource.tags.cluster_id != cluster_id:
                raise broken(called, 22, f"{resource.id} belongs to another cluster")
        return resources

    def get_instance(self, instance_id: str) -> Instance:
        """Look at one machine.

        :raises ProviderNotFoundError: there is no such machine.
        """
        called = "compute.get"
        found = self._call(
            called,
            lambda: self._provider.compute.get(instance_id),
            {"instance_id": instance_id},
        )
        return instance(found, Instance, called=called, clause=8)

    def resolve_image(self, query: ImageQuery) -> str:
        """Return the cloud's id of an image.

        :raises ProviderNotFoundError: there is no such image.
        """
        called = "image.resolve"
        found = self._call(called, lambda: self._provider.image.resolve(query), {"query": query})
        image = instance(found, str, called=called, clause=7)
        if not image:
            raise broken(called, 7, "the image's id is empty")
        return image

    # -- what makes no request ---------------------------------------------------------------------

    def offers(self) -> frozenset[str]:
        """Return the task kinds that can be planned on the provider."""
        return self._guarded("provider.offers", self._provider.offers)

    def start_of(self, kind: str) -> Start:
        """Return what the provider declares of a task kind.

        :raises UnsupportedOperationError: it does not offer it.
        """
        name, _, verb = kind.partition(".")
        return self._guarded(kind, lambda: self._interface(name).start_of(verb))

    def user_data_limit_bytes(self) -> int:
        """Return how much user-data the cloud takes."""
        called = "compute.user_data_limit_bytes"
        return self._guarded(called, lambda: self._provider.compute.user_data_limit_bytes)

    def price(self, task: Task) -> Price | None:
        """Return what a planned resource costs; None where no price is known."""
        found = self._guarded("provider.price", lambda: self._provider.price(task))
        if found is None:
            return None
        return instance(found, Price, called="provider.price", clause=20)

    def close(self) -> None:
        """Let go of the provider's connections."""
        self._guarded("provider.close", self._provider.close)

    # -- the call itself ---------------------------------------------------------------------------

    def _interface(self, name: str) -> Interface:
        if self._interfaces is None:  # clause 23: they never change
            self._interfaces = self._provider.interfaces()
        found = self._interfaces.get(name)
        return found if found is not None else self._provider.interface(name)

    def _call(
        self,
        called: str,
        call: Callable[[], object],
        arguments: Mapping[str, object],
        *,
        secrets_in: object = None,
    ) -> object:
        if not self._hooks.watches_calls:
            return self._guarded(called, call, secrets_in=secrets_in)
        seen = ProviderCall(
            operation=called,
            provider=self._provider.name,
            runtime_id=self._runtime_id,
            arguments={name: _shown(value) for name, value in arguments.items()},
            proceed=_Once(call),
        )
        answer = self._guarded(
            called, lambda: self._hooks.provider_call(seen), secrets_in=secrets_in
        )
        return None if answer is _NOTHING else answer

    def _guarded(self, called: str, call: Callable[[], T], *, secrets_in: object = None) -> T:
        """Raise whatever the contract does not know as a permanent failure."""
        try:
            return call()
        except ProviderError:
            raise
        except (Exception, SystemExit) as ex:
            secrets = [*texts_of(self._provider.account), *hidden_texts_of(secrets_in)]
            trace = without("".join(traceback.format_exception(ex)), secrets)
            log.error(  # noqa: TRY400  # the traceback is written without the secrets in it
                "%s failed unexpectedly\n%s", called, trace, extra=self._facts(called)
            )
            text = without(str(ex), secrets)
            raise ProviderError(
                f"{called}: unexpected {type(ex).__name__} (clause 10): {text}"
            ) from ex

    def _facts(self, called: str) -> dict[str, str]:
        return {
            "action": called,
            "provider": self._provider.name,
            "runtime_id": self._runtime_id,
        }


def _answer_for(operation: Operation, answer: object, *, called: str) -> Operation | ProviderError:
    """Return the answer for one of several; one that is broken spoils no other."""
    if isinstance(answer, ProviderError):
        return answer
    try:
        return checked_operation(
            answer, called=called, kind=operation.kind, key=operation.request_key
        )
    except ProviderError as ex:
        return ex


class _Once:
    """Makes the real call the first time, and answers the same again after that; never None."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self._answer: object = None
        self._error: BaseException | None = None

    def __call__(self) -> object:
        if self._error is not None:
            raise self._error
        if self._answer is None:
            try:
                answer = self._call()
            except BaseException as ex:
                self._error = ex
                raise
            self._answer = _NOTHING if answer is None else answer
        return self._answer


def _shown(value: object) -> object:
    """Return an argument as plugins may see it: records without what is not to be printed."""
    fields = fields_of(value)
    if all(field.repr for field in fields):
        return value
    return {field.name: getattr(value, field.name) for field in fields if field.repr}
