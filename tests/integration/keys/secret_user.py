"""A process that stores and reads secrets until it is told to end; fails once it cannot."""

import json
import signal
import sys
import threading
from pathlib import Path

from pitrix_core.store import Cipher, Store, make_engine


def run(database: str, key_file: Path) -> None:
    """Write a line once the first round is done, and how many there were at the end."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    store = Store(make_engine(database), cipher=Cipher.from_file(key_file))
    kept: dict[str, str] = {}
    rounds = 0
    while not stop.is_set():
        text = f"secret {rounds}"
        with store.begin() as tx:
            kept[tx.secrets.add(text, owner="alice").id] = text
            newest = tx.secrets.derived("tokens")[0]
        for secret_id in list(kept)[-20:]:
            with store.read() as tx:
                assert tx.secrets.get(secret_id) == kept[secret_id], secret_id
                assert newest in tx.secrets.derived("tokens"), "a signature is not known any more"
        rounds += 1
        if rounds == 1:
            print("at work", flush=True)  # noqa: T201  # read by the test
    store.close()
    print(json.dumps(kept), flush=True)  # noqa: T201  # read by the test


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]))
