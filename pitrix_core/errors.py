"""The one tree of exceptions raised by pitrix; every class has a stable ``code``.

The class docstring is the message when none is given. Whether trying again can help is in the type.
HTTP status codes are not here: they are in one table, ``pitrix_core.rest.problems``.
"""

from collections.abc import Sequence
from typing import ClassVar

from pitrix_core.findings import Finding


class PitrixError(Exception):
    """Something pitrix was asked for could not be done."""

    #: Stable word for programs; never reused for another meaning.
    code: ClassVar[str] = "pitrix"

    def __init__(
        self,
        message: str | None = None,
        *,
        pointer: str | None = None,
        next_step: str | None = None,
    ) -> None:
        """Keep the facts beside the message.

        :param message: what happened, for a person; without it the class's docstring.
        :param pointer: JSON pointer (RFC 6901) of the member of the request that is at fault.
        :param next_step: what the reader can do now, as a sentence or a command.
        """
        self.message = message or (self.__doc__ or self.code).strip().splitlines()[0]
        self.pointer = pointer
        self.next_step = next_step
        super().__init__(self.message)


# -- asked wrongly ---------------------------------------------------------------------------------


class InvalidInputError(PitrixError):
    """The request is not one pitrix can carry out; ``findings`` say where and why."""

    code = "invalid_input"

    def __init__(
        self,
        message: str | None = None,
        *,
        findings: Sequence[Finding] = (),
        pointer: str | None = None,
        next_step: str | None = None,
    ) -> None:
        """Keep every finding, not only the first one."""
        super().__init__(message, pointer=pointer, next_step=next_step)
        self.findings = tuple(findings)


class ConfigInvalidError(InvalidInputError):
    """The configuration violates the package's schema."""

    code = "config_invalid"


class NotFoundError(PitrixError):
    """There is no such thing, or the caller may not see it."""

    code = "not_found"


class ConflictError(PitrixError):
    """The thing is in a state that forbids this."""

    code = "conflict"


class RevisionConflictError(ConflictError):
    """The thing changed since it was read."""

    code = "revision_conflict"


class RuntimeChoiceError(ConflictError):
    """Several runtimes match; one has to be named."""

    code = "runtime_choice"

    def __init__(self, message: str, *, candidates: Sequence[dict[str, str]]) -> None:
        """Keep the matching runtimes.

        :param candidates: ``{"id", "name"}`` of each runtime that matches.
        """
        super().__init__(message, pointer="/runtime_id", next_step="Name one as runtime_id.")
        self.candidates = tuple(candidates)


class NoRuntimeError(ConflictError):
    """No runtime can run this."""

    code = "no_runtime"

    def __init__(self, message: str, *, findings: Sequence[Finding]) -> None:
        """Keep, for each runtime the caller can see, the rule that ruled it out."""
        super().__init__(
            message, next_step="Register a runtime that fits: pitrix runtime add --help"
        )
        self.findings = tuple(findings)


class QuotaExceededError(ConflictError):
    """There is no room for this in a quota or a budget; ``findings`` say in which."""

    code = "quota_exceeded"

    def __init__(self, message: str, *, findings: Sequence[Finding]) -> None:
        """Keep every limit that is exceeded."""
        super().__init__(message)
        self.findings = tuple(findings)


class PlanRefusedError(PitrixError):
    """A plan cannot be carried out; ``findings`` say why."""

    code = "plan_refused"

    def __init__(self, message: str, *, findings: Sequence[Finding]) -> None:
        """Keep every finding."""
        super().__init__(message)
        self.findings = tuple(findings)


class UnauthorizedError(PitrixError):
    """A valid token is needed."""

    code = "unauthorized"


class TooManyAttemptsError(PitrixError):
    """It was tried too often in vain."""

    code = "too_many_attempts"


class IssuerUnavailableError(PitrixError):
    """Who is to vouch for somebody does not answer."""

    code = "issuer_unavailable"


class ForbiddenError(PitrixError):
    """The caller may not do this."""

    code = "forbidden"


# -- packages --------------------------------------------------------------------------------------


class PackageError(PitrixError):
    """A package cannot be used."""

    code = "package"


class PackageArchiveError(PackageError):
    """An archive is malformed, unsafe to unpack, or larger than allowed."""

    code = "package_archive"


class PackageInvalidError(PackageError):
    """A package's files contradict its format; ``findings`` say where and why."""

    code = "package_invalid"

    def __init__(self, message: str, *, findings: Sequence[Finding] = ()) -> None:
        """Keep every finding."""
        super().__init__(message)
        self.findings = tuple(findings)


class PackageDigestError(PackageError):
    """A package's bytes are not the ones that were promised."""

    code = "package_digest"


class PackageSignatureError(PackageError):
    """A package is not signed by a key that is trusted, or a key or signature cannot be read."""

    code = "package_signature"


class UnknownPackageError(PackageError):
    """No installed app type recognises the package."""

    code = "package_unknown"


class AmbiguousPackageError(PackageError):
    """Several app types claim one package."""

    code = "package_ambiguous"


class TemplateRenderError(PackageError):
    """A template of a package could not be rendered; ``findings`` say where and why, if known."""

    code = "template"

    def __init__(self, message: str | None = None, *, findings: Sequence[Finding] = ()) -> None:
        """Keep every finding."""
        super().__init__(message)
        self.findings = tuple(findings)


# -- repos -----------------------------------------------------------------------------------------


class RepoError(PitrixError):
    """A repo, or something it names, cannot be read; repeating it as it is will not help."""

    code = "repo"


class RepoTemporaryError(RepoError):
    """A repo did not answer, or asked to be tried again."""

    code = "repo_temporary"


class RepoNotFoundError(RepoError):
    """A repo has no such file."""

    code = "repo_not_found"


class RepoChangedError(RepoError):
    """A file of a repo was changed by somebody else since it was read."""

    code = "repo_changed"


class RepoAuthError(RepoError):
    """A repo does not accept the credential, or wants one."""

    code = "repo_auth"


# -- plugins ---------------------------------------------------------------------------------------


class PluginError(PitrixError):
    """A plugin could not be found, loaded or trusted."""

    code = "plugin"


class PluginNotFoundError(PluginError):
    """No installed distribution provides the named plugin."""

    code = "plugin_not_found"


class PluginDisabledError(PluginError):
    """The plugin is installed, but the operator has not enabled it."""

    code = "plugin_disabled"


class PluginConflictError(PluginError):
    """Two installed distributions claim one plugin name."""

    code = "plugin_conflict"


class PluginLoadError(PluginError):
    """A plugin's module raised while it was imported, or is not what its entry point promises."""

    code = "plugin_load"


# -- keys ------------------------------------------------------------------------------------------


class KeyProviderError(PitrixError):
    """The keys that secrets depend on cannot be had, or do not fit."""

    code = "keys"


class KeyProviderTemporaryError(KeyProviderError):
    """What keeps the keys did not answer."""

    code = "keys_temporary"


# -- clouds ----------------------------------------------------------------------------------------


class ProviderError(PitrixError):
    """A cloud refused or failed an operation; repeating it as it is will not help.

    Messages begin with the operation (``compute.create: …``) and carry the vendor's code and
    request id, never a secret.
    """

    code = "provider"

    def __init__(
        self,
        message: str | None = None,
        *,
        pointer: str | None = None,
        next_step: str | None = None,
        vendor_code: str | None = None,
        vendor_request_id: str | None = None,
    ) -> None:
        """Keep what the vendor's support asks for.

        :param vendor_code: the vendor's own code of the error.
        :param vendor_request_id: the id that the vendor gave the request.
        """
        super().__init__(message, pointer=pointer, next_step=next_step)
        self.vendor_code = vendor_code
        self.vendor_request_id = vendor_request_id


class ProviderTemporaryError(ProviderError):
    """A cloud failed an operation in a way that may pass."""

    code = "provider_temporary"

    def __init__(
        self, message: str | None = None, *, retry_after_s: float = 5.0, **facts: str | None
    ) -> None:
        """Keep when to try again.

        :param retry_after_s: seconds, > 0; the cloud's own delay where it names one.
        :param facts: as for :class:`ProviderError`.
        """
        super().__init__(message, **facts)
        self.retry_after_s = retry_after_s


class ProviderAnswerLostError(ProviderTemporaryError):
    """A request was sent and its answer was lost; whether it was carried out is not known.

    Raised for time-outs and broken connections after a creating request has left. Any other
    temporary error says that nothing was made.
    """

    code = "provider_answer_lost"


class ProviderThrottledError(ProviderTemporaryError):
    """A cloud asked to be called less often."""

    code = "provider_throttled"


class ProviderQuotaError(ProviderError):
    """A limit of the account is reached; somebody has to raise it or free something."""

    code = "provider_quota"

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after_s: float | None = None,
        **facts: str | None,
    ) -> None:
        """Keep when the limit is lifted, where the cloud says so.

        :param retry_after_s: seconds, > 0; None where only a person can do something about it.
        :param facts: as for :class:`ProviderError`.
        """
        super().__init__(message, **facts)
        self.retry_after_s = retry_after_s


class ProviderAuthError(ProviderError):
    """The cloud does not accept the credential, or the credential lacks a right."""

    code = "provider_auth"


class ProviderNotFoundError(ProviderError):
    """The cloud does not know the thing that was named."""

    code = "provider_not_found"


class ProviderConflictError(ProviderError):
    """The thing is in a state in which the cloud refuses the operation."""

    code = "provider_conflict"


class UnsupportedOperationError(ProviderError):
    """This provider does not offer the operation at all."""

    code = "unsupported_operation"


# -- jobs ------------------------------------------------------------------------------------------


class LeaseLostError(PitrixError):
    """What a process had claimed was taken over; what it found out is discarded."""

    code = "lease_lost"


class TaskFailedError(PitrixError):
    """A task ended without success; the message says why."""

    code = "task_failed"
