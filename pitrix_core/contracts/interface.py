"""The part of the provider contract that all interfaces share: start, poll, advance, find.

Clauses (the conformance suites cite these numbers):

1.  *Starting.* A method marked with :func:`starts` sends one request (at most two, where the cloud
    needs a look first) and returns; it never waits for the cloud to finish.
2.  *Keys.* The same ``request_key`` never makes two resources, as far as :attr:`Start.honours_key`
    promises.
3.  *Polling.* :meth:`Interface.poll` only reads. It may be called any number of times, by any
    process, after any pause.
4.  *Stages.* Work of several requests (clone, reconfigure, power on) answers ``next_stage`` between
    them; the core saves the operation and then calls :meth:`Interface.advance` with it. Through all
    stages the operation keeps the ``request_key`` of its start.
5.  *Handles.* What ``poll`` and ``advance`` need is in the operation: its ``handle`` is JSON of at
    most 16 KiB. Nothing is kept in the object: the next call may come to another process.
6.  *Finding.* After a crash :meth:`Interface.find` answers every resource made under a key, also
    one that is not finished, and none that is gone.
7.  *Ids.* The outputs of a finished operation hold ``id``, which a later start takes as
    ``ResourceRef.id``.
8.  *Absence.* Deleting what is not there is done at once; anything else with an unknown id is
    :class:`~pitrix_core.errors.ProviderNotFoundError`.
9.  *Tags.* Whatever is made carries :class:`~pitrix_core.model.Tags`, written by the request that
    makes it where the cloud can, so that ``owned()`` sees it from the first moment.
10. *Errors.* The SDK's failures arrive as the ``Provider…`` classes of :mod:`pitrix_core.errors`,
    with the vendor's code and request id in the message, and as ``vendor_code`` and
    ``vendor_request_id``; an exception of any other class is a permanent failure. A creating
    request whose answer does not arrive (a time-out, a connection that ended after the request had
    left) is :class:`~pitrix_core.errors.ProviderAnswerLostError`: the core then finds out what was
    made before it asks again. Every other error of a creating method says that nothing was made.
11. *Secrets.* No credential, user-data or password appears in a handle, an output, a message or a
    log.
12. *Time.* Every request has a time-out of its own of at most ``Start.timeout_s``.
13. *Threads.* Methods are called by several threads at a time.
14. *Many at once.* Where the cloud tells of several things with one request, an interface says in
    :attr:`Interface.polls_at_once` of how many, and :meth:`Interface.poll_many` answers for each
    operation what :meth:`Interface.poll` would, in their order. What is wrong with one of them is
    that one's answer; an error that is raised stands for all of them.
"""

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeVar

import attrs

from pitrix_core.errors import ProviderError, UnsupportedOperationError
from pitrix_core.model import Operation


@attrs.frozen(kw_only=True)
class Start:
    """What the contract says about one starting method."""

    verb: str
    #: attrs class of its first argument; its JSON Schema checks a task's input at planning.
    spec: type
    #: It makes a resource: an answer that was lost has to be settled before it is sent again.
    creates: bool
    #: The cloud itself remembers the request key, so that sending again is safe at once.
    honours_key: bool
    #: For creating methods that do not honour the key: seconds after which a resource made by a
    #: request whose answer was lost is sure to be seen by ``find``.
    settle_s: float
    #: Longest the method itself may take.
    timeout_s: float
    #: Operations that one poll may look at; see :attr:`Interface.polls_at_once`.
    polls_at_once: int = 1


class Starter(Protocol):
    """A bound starting method."""

    def __call__(self, spec: Any, /, *, request_key: str) -> Operation:
        """Send the request."""


_F = TypeVar("_F", bound=Callable[..., Any])
_I = TypeVar("_I", bound="Interface")


def starts(
    spec: type,
    *,
    creates: bool = False,
    honours_key: bool = False,
    settle_s: float = 30.0,
    timeout_s: float = 60.0,
) -> Callable[[_F], _F]:
    """Mark a method of an interface as one that starts an operation.

    The interface's abstract class marks its verbs; a provider marks its own method again only to
    say something else of
    ``honours_key``, ``settle_s`` or ``timeout_s``.

    :param spec: attrs class of the first argument.
    :param creates: the method makes a resource.
    :param honours_key: the cloud answers a second request under one key with the first one's
        resource.
    :param settle_s: seconds, see :class:`Start`.
    :param timeout_s: seconds, see :class:`Start`.
    """

    def mark(method: _F) -> _F:
        method.__dict__["pitrix_start"] = Start(
            verb=method.__name__,
            spec=spec,
            creates=creates,
            honours_key=honours_key,
            settle_s=settle_s,
            timeout_s=timeout_s,
        )
        return method

    return mark


class Interface(abc.ABC):
    """One kind of thing a cloud makes; its starting methods are the verbs of task kinds
    ``<name>.<verb>``.
    """

    #: First half of its task kinds, such as ``compute``.
    name: ClassVar[str]
    #: Operations that one :meth:`poll_many` looks at; 1 where polling has to ask for each alone.
    polls_at_once: ClassVar[int] = 1

    @abc.abstractmethod
    def poll(self, operation: Operation) -> Operation:
        """Return the operation as it stands now (clauses 3 to 5).

        :raises ProviderTemporaryError: the cloud did not answer; the core polls again.
        :raises ProviderError: the cloud refuses to tell; the task fails.
        """

    def poll_many(self, operations: Sequence[Operation]) -> "Sequence[Operation | ProviderError]":
        """Return several operations as they stand now, or why one of them is not told (clause 14).

        Only called where :attr:`polls_at_once` says more than one. Without a method of its own, an
        interface polls one by one.

        :param operations: of one kind; at most :attr:`polls_at_once`.
        :raises ProviderTemporaryError: the cloud did not answer; all of them are polled again.
        :raises ProviderError: the cloud refuses to tell of any of them; all of their tasks fail.
        """
        return [self._polled(operation) for operation in operations]

    def _polled(self, operation: Operation) -> "Operation | ProviderError":
        try:
            return self.poll(operation)
        except ProviderError as ex:
            return ex

    def advance(self, operation: Operation, *, request_key: str) -> Operation:
        """Start the stage after the one that answered ``next_stage`` (clause 4).

        :param operation: as it was saved.
        :param request_key: one of its own for this stage, for the cloud; the same one when the call
            is repeated after a crash. The operation keeps the key it was started with.
        :raises ProviderTemporaryError: try again; nothing was started.
        :raises ProviderError: the cloud refused.
        """
        raise UnsupportedOperationError(f"{operation.kind}: there is no stage to advance to")

    @abc.abstractmethod
    def find(self, request_key: str) -> tuple[Operation, ...]:
        """Answer every resource made under a key (clause 6), each as if its start had just been
        answered.

        ``resource_id`` is set in each. A provider whose starts all honour their keys still
        implements it.

        :raises ProviderTemporaryError: the cloud did not answer.
        """

    @classmethod
    def start_of(cls, verb: str) -> Start:
        """Return what is declared of a verb; a provider's own mark goes before the contract's.

        :raises UnsupportedOperationError: the interface has no such verb.
        """
        for owner in cls.__mro__:
            found = getattr(owner.__dict__.get(verb), "pitrix_start", None)
            if isinstance(found, Start):
                return attrs.evolve(found, polls_at_once=cls.polls_at_once)
        raise UnsupportedOperationError(f"{cls.name}.{verb}: there is no such operation")

    @classmethod
    def verbs(cls) -> frozenset[str]:
        """Return the names of the starting methods."""
        return frozenset(
            name
            for owner in cls.__mro__
            for name, member in vars(owner).items()
            if hasattr(member, "pitrix_start")
        )

    def starter(self, verb: str) -> Starter:
        """Return the bound starting method.

        :raises UnsupportedOperationError: the interface has no such verb.
        """
        self.start_of(verb)
        method: Starter = getattr(self, verb)
        return method


def is_absent(interface: Interface) -> bool:
    """Say whether the interface only stands in for one that a provider does not offer."""
    return isinstance(interface, _Absent)


class _Absent:
    """Marks the classes made by :func:`absent`."""


def absent(interface: type[_I], *, provider: str) -> _I:
    """Return an object that stands in for an interface and refuses every call by name.

    :param interface: the abstract class.
    :param provider: whose it would be; part of the refusal.
    """
    refusals: Mapping[str, Any] = {
        name: _refusal(f"{interface.name}.{name}: provider {provider!r} does not offer it")
        for name in interface.__abstractmethods__ | interface.verbs()
    }
    stand_in = type(f"No{interface.__name__}", (_Absent, interface), dict(refusals))
    made: _I = stand_in()
    return made


def _refusal(message: str) -> Callable[..., Any]:
    def refuse(*_args: Any, **_kwargs: Any) -> Any:
        raise UnsupportedOperationError(message)

    return refuse
