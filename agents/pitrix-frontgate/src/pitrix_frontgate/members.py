"""The members of an etcd that several machines make together: who they are, and which one leads.

One machine begins alone. Each other one is first a learner, which does not count for a majority, so
that one that never starts takes nothing away; it is made a full member once it has caught up. etcd
takes one learner at a time, and none until the members have known one another for some seconds.
"""

from typing import Any, Final, NamedTuple

from pitrix_drone.etcd import EtcdClient, EtcdError
from pitrix_frontgate.etcd_server import member_name, peer_url

#: gRPC's FAILED_PRECONDITION: a learner has not caught up yet.
_NOT_YET: Final = 9


class Member(NamedTuple):
    """One of them, as etcd knows it; it has no name before it has started."""

    id: str
    name: str
    peer_url: str
    is_learner: bool


class Members:
    """Asks and changes them through one of them. Thread-safe.

    :param client: of this machine's etcd, with root's rights.
    :param address: of this machine.
    """

    def __init__(self, client: EtcdClient, *, address: str) -> None:
        self._client = client
        self._own_url = peer_url(address)

    def leads(self) -> bool:
        """Tell whether this machine's etcd leads; not when it cannot be asked."""
        try:
            status = self._client.call("/maintenance/status", {})
        except EtcdError:
            return False
        return bool(status.get("leader")) and status["leader"] == status["header"]["member_id"]

    def listed(self) -> list[Member]:
        """List them.

        :raises EtcdError: etcd cannot be asked.
        """
        found = self._client.call("/cluster/member/list", {})["members"]
        return [_member(each) for each in found]

    def settle(self) -> None:
        """Make what has caught up a full member; the first one says at last where it is.

        :raises EtcdError: etcd cannot be asked.
        """
        listed = self.listed()
        if len(listed) == 1 and listed[0].peer_url != self._own_url:
            body = {"ID": listed[0].id, "peerURLs": [self._own_url]}
            self._client.call("/cluster/member/update", body)
        for each in listed:
            if each.is_learner and each.name:
                self._promote(each)

    def remove(self, number: int, url: str) -> None:
        """Have no machine of a number, or at a URL, among them.

        :raises EtcdError: not now; ask again.
        """
        for each in self.listed():
            if each.name == member_name(number) or each.peer_url == url:
                self._client.call("/cluster/member/remove", {"ID": each.id})

    def admit(self, number: int, url: str) -> str:
        """Have a machine among them.

        :returns: what its etcd has to be told to start with.
        :raises EtcdError: not now, as long as another one is a learner; ask again.
        """
        if all(each.peer_url != url for each in self.listed()):
            self._client.call("/cluster/member/add", {"peerURLs": [url], "isLearner": True})
        return ",".join(
            f"{each.name or member_name(number)}={each.peer_url}" for each in self.listed()
        )

    def _promote(self, learner: Member) -> None:
        try:
            self._client.call("/cluster/member/promote", {"ID": learner.id})
        except EtcdError as ex:
            if ex.code != _NOT_YET:
                raise


def _member(found: dict[str, Any]) -> Member:
    return Member(
        found["ID"],
        found.get("name", ""),
        found["peerURLs"][0],
        is_learner=found.get("isLearner", False),
    )
