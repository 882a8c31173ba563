"""The memory of what was done is bounded."""

from frontgate_harness import Store

from pitrix_frontgate.ledger import Ledger


def test_the_oldest_is_forgotten_first(store: Store) -> None:
    """A ledger keeps its limit and at most a tenth more."""
    ledger = Ledger(store.client, "/test/oldest/", limit=20)

    for number in range(60):
        ledger.remember(str(number), "x")

    kept = store.client.get_prefix("/test/oldest/").items
    assert 20 <= len(kept) <= 22 + 1
    assert ledger.recall("59") == "x"
    assert ledger.recall("0") is None


def test_a_ledger_outlives_its_object(store: Store) -> None:
    """Another object, as after a restart, remembers the same."""
    Ledger(store.client, "/test/again/", limit=20).remember("name", "value")

    found = Ledger(store.client, "/test/again/", limit=20).recall("name")

    assert found == "value"
