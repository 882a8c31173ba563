"""What a Frontgate shows the Pilot to be let in: its enrolment first, a signed token from then on.

The token is written down before anything says that it arrived, so that a lost answer, or a power
cut, never leaves a Frontgate with neither.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pitrix_drone.files import write_durably
from pitrix_frontgate import shapes
from pitrix_frontgate.config import FrontgateConfig
from pitrix_frontgate.errors import FrameError

log = logging.getLogger(__name__)

#: A question for a newer token that was not answered is asked again after so long.
_ASK_AGAIN_S: Final = 60.0


class Identity:
    """Thread-safe enough: one thread takes tokens, another one looks whether one is due.

    :param path: where the token is kept.
    :param share: hands what the Pilot gave to the other machines of the Frontgate.
    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        config: FrontgateConfig,
        path: Path,
        *,
        share: Callable[[Mapping[str, Any]], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._share = share
        self._path = path
        self._clock = clock
        self._renew_at_s: float | None = None
        self._saved = self._load()

    @property
    def protocol(self) -> int:
        """The version spoken with the Pilot."""
        return self._config.protocol

    @property
    def has_tokens(self) -> bool:
        """Whether the Pilot gives signed tokens."""
        return self._config.is_secured

    @property
    def expires_at(self) -> str | None:
        """When the token in use ends; None while there is none."""
        found: str | None = self._saved.get("expires_at")
        return found

    def introduction(self) -> dict[str, Any]:
        """Return the members of ``hello`` that tell who this is."""
        who = {"protocol": self.protocol, "frontgate_id": self._config.frontgate_id}
        if not self.has_tokens:
            return {**who, "token": self._config.secret}
        token = self._saved.get("token")
        return {**who, **({"token": token} if token else {"enrolment": self._config.secret})}

    def take(self, body: Mapping[str, Any]) -> None:
        """Write a token down that the Pilot gave.

        :raises FrameError: there is none in *body*.
        :raises OSError: it cannot be written; the old one is still good.
        """
        if not self.has_tokens:
            return
        findings = shapes.open_findings(body, shapes.TOKEN)
        if findings:
            raise FrameError("bad-frame", f"no token: {'; '.join(findings)}")
        saved = {"token": body["token"], "expires_at": body["expires_at"], "of": self._origin()}
        write_durably(self._path, json.dumps(saved))
        self._saved = saved
        self._renew_at_s = self._clock() + body["renew_after_s"]
        self._share({name: body[name] for name in shapes.TOKEN})

    def is_renewal_due(self) -> bool:
        """Tell whether to ask for a newer token now; says so once a minute at most."""
        if self._renew_at_s is None or self._clock() < self._renew_at_s:
            return False
        self._renew_at_s = self._clock() + _ASK_AGAIN_S
        return True

    def _origin(self) -> str:
        """Name the enrolment that a token came of: with another one, it begins anew."""
        return hashlib.sha256(self._config.secret.encode()).hexdigest()

    def _load(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as ex:
            log.warning("%s: cannot be read and is left out: %s", self._path, ex)
            return {}
        shape = {name: shapes.TOKEN[name] for name in ("token", "expires_at")}
        if not isinstance(found, dict) or shapes.open_findings(found, shape):
            log.warning("%s: holds no token and is left out", self._path)
            return {}
        return found if found.get("of") == self._origin() else {}
