"""What the author of a package may want to change, though it can be deployed as it is.

One function a subject, and no remark that a good package would have to live with: what is said
here is either a mistake, or what a user would miss.
"""

import re
import textwrap
from collections.abc import Iterator
from typing import Final

from pitrix_core.contracts.reader import PackageReader
from pitrix_core.findings import Finding, Level
from pitrix_core.package import duplicate_finding, pointer_to
from pitrix_vm.authoring.translations import translation_advice
from pitrix_vm.cluster import Role
from pitrix_vm.form import CONFIG_FILE, Group
from pitrix_vm.spec import VmSpec, fill_sample
from pitrix_vm.template import JINJA, Filled

#: Parameters that are there for the platform, whether the template names them or not.
_FOR_THE_PLATFORM: Final = frozenset(
    f"cluster.{key}" for key in ("name", "description", "vxnet", "subnet", "resource_group")
)
#: The group of parameters that are asked for when a service is run; templates need not name them.
_SERVICE_PARAMETERS: Final = "service_params."
#: A path from the root, or from where a variable says the root is; or a word that every shell has
#: itself. Source: POSIX.1-2024, Shell Command Language, sections 2.4 and 2.15, and Utilities.
_FOUND_ANYWAY: Final = re.compile(
    r"""\s*(?:["']?(?:\$[{(]?[\w:-]*[)}]?)?["']?/|\w+=|[({!:.\[]"""
    r"|(?:cd|echo|eval|exec|exit|export|false|for|if|printf|set|test|true|while)\b)"
)
#: Characters of a command that are quoted.
_COMMAND_LIMIT: Final = 60


def advice(reader: PackageReader, spec: VmSpec) -> list[Finding]:
    """Return what there is to improve in a package that could be read.

    :param reader: the package the spec was read from.
    """
    filled = fill_sample(spec.template, spec.form)
    return [
        *_unused_parameters(spec),
        *_shown_passwords(spec),
        *_unmatched_roles(spec),
        *_duplicates(spec, filled),
        *_silent_roles(spec),
        *_relative_commands(spec),
        *_unreachable(spec),
        *translation_advice(reader, spec, filled.document),
    ]


# -- the form --------------------------------------------------------------------------------------


def _unused_parameters(spec: VmSpec) -> Iterator[Finding]:
    deciding = _deciding_paths(spec.form.root)
    for leaf in spec.form.root.leaves():
        is_for_others = leaf.path in _FOR_THE_PLATFORM or leaf.path in deciding
        if is_for_others or leaf.path.startswith(_SERVICE_PARAMETERS):
            continue
        if not spec.template.uses(leaf.path):
            message = f"{leaf.path}: {spec.template.file} does not use this parameter"
            yield _form_remark(Level.INFO, "form.unused", leaf.pointer, message)


def _deciding_paths(group: Group, prefix: str = "") -> set[str]:
    """Return the paths of parameters that say whether others are shown, which is use enough."""
    found: set[str] = set()
    for member in group.members:
        if isinstance(member, Group):
            found |= _deciding_paths(member, f"{prefix}{member.key}.")
        else:
            found |= {f"{prefix}{dependency.refkey}" for dependency in member.dependencies}
    return found


def _shown_passwords(spec: VmSpec) -> Iterator[Finding]:
    for leaf in spec.form.root.leaves():
        if leaf.type == "password" and leaf.default not in (None, ""):
            yield _form_remark(
                Level.WARNING,
                "form.password",
                f"{leaf.pointer}/default",
                f"{leaf.path}: everybody who has the package knows this password",
                next_step="Leave the default out, so that each user chooses one.",
            )


# -- roles -----------------------------------------------------------------------------------------


def _unmatched_roles(spec: VmSpec) -> Iterator[Finding]:
    groups = {group.key: group for group in _role_groups(spec.form.root)}
    roles = _own_roles(spec)
    names = {role.name for role in roles}
    if names == {""}:  # a single role may go without a name, whatever its group is called
        return
    for role in roles:
        if groups and role.name not in groups:
            message = f"role {role.name!r}: {CONFIG_FILE} has no group cluster.{role.name}"
            at = ("nodes", role.index, "role")
            yield _cluster_remark(spec, "cluster.unmatched", at, message)
    for key in groups.keys() - names:
        # NOTE(logic): a template with conditions may leave a role out, as it does with the defaults
        if spec.dialect != JINJA:
            message = f"cluster.{key}: {spec.template.file} has no role {key!r}"
            yield _form_remark(Level.INFO, "form.unmatched", groups[key].pointer, message)


def _role_groups(root: Group) -> Iterator[Group]:
    cluster = root.member("cluster")
    members = cluster.members if isinstance(cluster, Group) else ()
    return (member for member in members if isinstance(member, Group))


def _silent_roles(spec: VmSpec) -> Iterator[Finding]:
    for role in _own_roles(spec):
        at = ("nodes", role.index)
        if role.has_agent and "start" in role.services and "stop" not in role.services:
            message = f"role {role.label!r} has no stop: its machines are switched off as they are"
            yield _cluster_remark(spec, "cluster.no_stop", (*at, "services"), message)
        if not role.image.image and not role.image.choices:
            message = f"role {role.label!r} names no image: the runtime's own is taken"
            yield _cluster_remark(spec, "cluster.no_image", (*at, "container"), message)


def _relative_commands(spec: VmSpec) -> Iterator[Finding]:
    """Count them: most packages rely on the search path for all their commands or for none."""
    found = [
        (("nodes", role.index, "services", name, "cmd"), service.cmd)
        for role in _own_roles(spec)
        for name, service in role.services.items()
        if service.cmd and not _FOUND_ANYWAY.match(service.cmd)
    ]
    if found:
        place, cmd = found[0]
        message = f"commands that rely on the search path: {len(found)}, such as {_short(cmd)}"
        yield _cluster_remark(spec, "cluster.search_path", place, message)


def _own_roles(spec: VmSpec) -> tuple[Role, ...]:
    return tuple(role for role in spec.sample.roles if role.master is None)


# -- the whole cluster -----------------------------------------------------------------------------


def _unreachable(spec: VmSpec) -> Iterator[Finding]:
    if not spec.sample.endpoints and not spec.sample.reserved_ips:
        message = "there are no endpoints: users are not told where the application answers"
        yield _cluster_remark(spec, "cluster.no_endpoint", (), message)


def _duplicates(spec: VmSpec, filled: Filled) -> Iterator[Finding]:
    for pointer in filled.duplicates():
        yield duplicate_finding(spec.template.file, pointer)


# -- helpers ---------------------------------------------------------------------------------------


def _form_remark(
    level: Level, code: str, pointer: str, message: str, *, next_step: str | None = None
) -> Finding:
    return Finding(
        level=level,
        code=code,
        message=message,
        pointer=pointer,
        file=CONFIG_FILE,
        next_step=next_step,
    )


def _cluster_remark(spec: VmSpec, code: str, at: tuple[object, ...], message: str) -> Finding:
    return Finding(
        level=Level.INFO,
        code=code,
        message=message,
        pointer=pointer_to(at),
        file=spec.template.file,
    )


def _short(cmd: str) -> str:
    return repr(textwrap.shorten(cmd, _COMMAND_LIMIT, placeholder="…"))
