"""What can be set about the fake provider: how slow, how forgetful, and how it fails."""

import enum
from decimal import Decimal

import attrs


class FakeEffect(enum.StrEnum):
    """What a fault does to a call."""

    TEMPORARY = "temporary"  #: nothing is done; asks to come back
    THROTTLED = "throttled"  #: nothing is done; asks to be called less often
    QUOTA = "quota"  #: nothing is done; a limit is reached
    AUTH = "auth"  #: nothing is done; the credential is not accepted
    PERMANENT = "permanent"  #: nothing is done; the cloud refuses
    UNEXPECTED = "unexpected"  #: nothing is done; an exception the contract does not know
    LOST = "lost"  #: it is done, and the answer does not arrive
    CRASH = "crash"  #: it is done, and this process dies at once
    HANG = "hang"  #: the call is held for ``seconds`` and then goes on
    SLOW = "slow"  #: it is done, and the answer takes ``seconds``
    FAILED = "failed"  #: it starts, and its operation ends as failed


@attrs.frozen(kw_only=True)
class FakeFault:
    """A failure that is ordered in advance; the cloud counts the calls of all processes."""

    #: Such as ``compute.create``, ``compute.poll``, ``image.resolve``, ``provider.check``.
    operation: str
    effect: FakeEffect
    #: How many calls it hits.
    count: int = 1
    #: How many calls of the operation go well before.
    skip: int = 0
    #: How long a call is held.
    seconds: float = 0.0


@attrs.frozen(kw_only=True)
class FakeSettings:
    """Settings of a runtime of the fake provider."""

    #: File the cloud is kept in, for several processes; empty for one in memory.
    state_file: str = ""
    #: How many polls answer *pending* before an operation ends.
    delay_polls: int = 0
    #: How long an operation takes, in seconds of the provider's clock.
    delay_s: float = 0.0
    #: What operations say about the next poll, in seconds.
    retry_after_s: float = 0.01
    #: Of how many operations one request tells.
    polls_at_once: int = 1
    #: The cloud remembers request keys.
    honours_keys: bool = True
    #: Seconds after which ``find`` and ``owned`` see what was made.
    visible_after_s: float = 0.0
    #: Longest a creating request takes, in seconds, as the provider declares it.
    request_s: float = 60.0
    #: Of how many stages the making of a machine consists.
    stages: int = 1
    faults: tuple[FakeFault, ...] = ()
    #: Interfaces that are offered.
    interfaces: tuple[str, ...] = ("compute", "volume", "network", "image")
    #: Images that are there; when empty, any whose name does not begin with ``no-such-``.
    images: tuple[str, ...] = ()
    #: Image of machines whose package names none; empty for the first of ``images``.
    default_image: str = ""
    #: What a machine costs a month, in euros.
    price_per_machine: Decimal = Decimal("5.00")


@attrs.frozen(kw_only=True)
class FakeCredential:
    """Credential of the fake cloud, which accepts every key but ``refused``."""

    api_key: str = attrs.field(default="", repr=False)
