"""What the tests here share: clients that are closed in the end."""

from collections.abc import Iterator

import pytest
from lab_etcd import ClientOf, LabEtcd

from pitrix_drone.etcd import EtcdClient


@pytest.fixture
def client_of() -> Iterator[ClientOf]:
    """Makes clients of an etcd, for a user whose password is its name, or for nobody."""
    made: list[EtcdClient] = []

    def client(server: LabEtcd, user: str | None = None) -> EtcdClient:
        made.append(EtcdClient(server.endpoints, user=user, password=user))
        return made[-1]

    yield client
    for each in made:
        each.close()
