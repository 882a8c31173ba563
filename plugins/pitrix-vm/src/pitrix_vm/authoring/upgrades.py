"""Says what keeps clusters of one version of a package from being upgraded to another.

Source: AppCenter's specification, ``upgrade_policy``: roles and mount points of the two versions
must be the same.
"""

from collections.abc import Iterator

from pitrix_core.findings import Finding, Level
from pitrix_core.package import pointer_to
from pitrix_vm.cluster import Role
from pitrix_vm.spec import VmSpec


def upgrade_findings(before: VmSpec, after: VmSpec) -> Iterator[Finding]:
    """Compare the roles of two versions, and the mount points of their volumes."""
    new = {role.name: role for role in after.sample.roles}
    file = after.template.file
    for role in before.sample.roles:
        own = new.get(role.name)
        if role.master is not None:
            continue  # replicas are what their masters are
        if own is None:
            message = f"role {role.label!r} is gone: its machines and their data would be, too"
            yield _finding("upgrade.role", message, file, ("nodes",))
        elif _mount_points(role) != _mount_points(own):
            message = (
                f"role {role.label!r} had its volume at {_said(role)}, and has it at {_said(own)}"
            )
            yield _finding("upgrade.mount_point", message, file, ("nodes", own.index, "volume"))


def _mount_points(role: Role) -> tuple[str, ...]:
    return tuple(role.volume.mount_points) if role.volume else ()


def _said(role: Role) -> str:
    return ", ".join(_mount_points(role)) or "no place"


def _finding(code: str, message: str, file: str, at: tuple[object, ...]) -> Finding:
    return Finding(
        level=Level.WARNING, code=code, message=message, file=file, pointer=pointer_to(at)
    )
