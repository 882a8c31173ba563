"""Opens repos: finds the kind, gives it the credential and a guarded way out, and closes both."""

import contextlib
import json
from collections.abc import Iterator

from pitrix_core.catalog.fetcher import HttpFetcher
from pitrix_core.catalog.reach import Reach
from pitrix_core.contracts.repo import RepoKind
from pitrix_core.errors import InvalidInputError, PluginNotFoundError
from pitrix_core.model import JsonObject
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.plugins.repo_kinds import OpenRepo, open_repo, scheme_of
from pitrix_core.store import Store
from pitrix_core.store.repos import Repo


class PlaceOpener:
    """Opens repos by their URLs; may be used by several threads, what it opens by one each."""

    def __init__(self, registry: PluginRegistry, reach: Reach | None = None) -> None:
        """Keep what repos are opened with.

        :param reach: addresses that are allowed; without it public ones only.
        """
        self._registry = registry
        self._reach = reach or Reach()

    @contextlib.contextmanager
    def open_place(
        self,
        url: str,
        *,
        settings: JsonObject | None = None,
        credential: JsonObject | None = None,
    ) -> Iterator[OpenRepo]:
        """Open a repo that need not be registered.

        :raises InvalidInputError: nobody reads such a URL, or settings or credential do not fit.
        :raises PluginError: its kind is not enabled, or broken.
        """
        with self.fetcher() as fetcher:
            opened = open_repo(
                self.kind_of(url),
                url,
                settings=settings or {},
                credential=credential or {},
                fetcher=fetcher,
            )
            try:
                yield opened
            finally:
                opened.close()

    @contextlib.contextmanager
    def fetcher(self) -> Iterator[HttpFetcher]:
        """Give the guarded way out, for whatever else strangers name: icons."""
        fetcher = HttpFetcher(self._reach)
        try:
            yield fetcher
        finally:
            fetcher.close()

    def kind_of(self, url: str) -> type[RepoKind]:
        """Return the kind that reads a URL.

        :raises InvalidInputError: nobody does.
        :raises PluginError: it is not enabled, or broken.
        """
        scheme = scheme_of(url)
        try:
            return self._registry.repo_kind(scheme)
        except PluginNotFoundError as ex:
            known = ", ".join(sorted(self._registry.repo_kinds()))
            raise InvalidInputError(
                f"Repos of the kind {scheme!r} cannot be read; there is {known}.",
                pointer="/url",
                next_step="Install the plugin that reads them, or name a folder on the server's "
                "machine: file:///FOLDER",
            ) from ex


class RepoOpener(PlaceOpener):
    """Opens registered repos, too."""

    def __init__(self, store: Store, registry: PluginRegistry, reach: Reach | None = None) -> None:
        """Keep where credentials are, beside what repos are opened with."""
        super().__init__(registry, reach)
        self._store = store

    @contextlib.contextmanager
    def open(self, repo: Repo) -> Iterator[OpenRepo]:
        """Open a registered repo.

        :raises PluginError: its kind is not installed, not enabled, or broken.
        :raises InvalidInputError: the URL, the settings or the credential do not fit any more.
        """
        with self._store.read() as tx:
            secret_id = tx.repos.credential_id(repo.id)
            credential = json.loads(tx.secrets.get(secret_id)) if secret_id else {}
        with self.open_place(repo.url, settings=repo.settings, credential=credential) as opened:
            yield opened
