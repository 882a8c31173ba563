"""What plugins implement. Documented in full, for it is what third parties read first.

Start with ``provider.py`` and ``interface.py`` for a cloud, ``apptype.py`` for a kind of
application (and ``authoring.py`` for what it can do for authors of its packages), and
``hookspecs.py`` for everything that many plugins do at once. Nothing here does I/O.
"""

from pitrix_core.contracts.apptype import AppType
from pitrix_core.contracts.compute import ComputeInterface
from pitrix_core.contracts.context import Context
from pitrix_core.contracts.image import ImageInterface
from pitrix_core.contracts.interface import Interface, absent, starts
from pitrix_core.contracts.keys import KeyProvider
from pitrix_core.contracts.network import NetworkInterface
from pitrix_core.contracts.provider import Provider
from pitrix_core.contracts.repo import RepoKind
from pitrix_core.contracts.volume import VolumeInterface

__all__ = [
    "AppType",
    "ComputeInterface",
    "Context",
    "ImageInterface",
    "Interface",
    "KeyProvider",
    "NetworkInterface",
    "Provider",
    "RepoKind",
    "VolumeInterface",
    "absent",
    "starts",
]
