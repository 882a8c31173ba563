"""Where this node's Frontgate answers: as its configuration says, and as was learned since.

A Frontgate that is replaced may have another address. Who still reaches it is told so, among the
metadata; who reaches nobody has to be told by the operator: ``drone reach URL``.
"""

from __future__ import annotations

import json
import logging
import pathlib
import urllib.parse
from collections.abc import Sequence

from pitrix_drone.config import Config, is_tls_url
from pitrix_drone.files import write_durably

log = logging.getLogger(__name__)

#: Where it stands among the node's own metadata. Source: agents/protocol/README.md, section 2.2.
PATH = "frontgate"

_MOST = 16


class Gates:
    """One thread changes it, any may read.

    :param path: where what was learned is kept.
    """

    def __init__(self, config: Config, path: pathlib.Path) -> None:
        self._config = config
        self._path = path
        self._learned = self._load()

    @property
    def endpoints(self) -> tuple[str, ...]:
        """URLs of etcd: those that were learned first, then those of the configuration."""
        return tuple(dict.fromkeys((*self._learned, *self._config.endpoints)))

    @property
    def enrol_urls(self) -> tuple[str, ...]:
        """Where to enrol: at the same port of each of these machines."""
        configured = urllib.parse.urlsplit(self._config.enrol_url)
        hosts = (urllib.parse.urlsplit(url).netloc.rpartition(":")[0] for url in self._learned)
        learned = (f"https://{host}:{configured.port}" for host in hosts if host)
        return tuple(dict.fromkeys((*learned, self._config.enrol_url)))

    def learn(self, text: str | None) -> bool:
        """Take what the metadata say; what makes no sense changes nothing, nor where this node
        speaks version 1: it has no authority to know others by.

        :returns: whether it is new.
        """
        found = _endpoints(text or "") if self._config.ca else ()
        if not found or found == self._learned:
            return False
        try:
            self.put(found)
        except OSError as ex:
            log.warning("%s: where the Frontgate is cannot be written down: %s", self._path, ex)
            return False
        log.info("the Frontgate is at %s", ", ".join(found))
        return True

    def put(self, endpoints: Sequence[str]) -> None:
        """Write down where the Frontgate is, for this start and all later ones.

        :raises OSError: that cannot be written.
        """
        of_node = {"node_id": self._config.node_id, "endpoints": list(endpoints)}
        write_durably(self._path, json.dumps(of_node))
        self._learned = tuple(endpoints)

    def _load(self) -> tuple[str, ...]:
        """Read what was written down; that of another node, as in a copied image, is not ours."""
        try:
            text = self._path.read_text("utf-8")
            is_ours = json.loads(text)["node_id"] == self._config.node_id
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError) as ex:
            log.warning("%s: cannot be read and is left out: %s", self._path, ex)
            return ()
        return _endpoints(text) if is_ours else ()


def _endpoints(text: str) -> tuple[str, ...]:
    """Read a list of URLs; empty where there is none that can be used."""
    try:
        endpoints = json.loads(text)["endpoints"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()
    is_list = isinstance(endpoints, list) and len(endpoints) <= _MOST
    return tuple(endpoints) if is_list and all(map(is_tls_url, endpoints)) else ()
