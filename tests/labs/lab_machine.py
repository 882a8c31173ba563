"""A machine that boots with user-data, as Debian's cloud-init runs them.

It is a root folder in a mount namespace, so that nothing of this machine changes, and nothing stays
mounted.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

import lab_needs

#: Programs come from this machine, for reading; everything else is the folder's own. What is in
#: /usr/local may shadow Debian's Python, so it is left out.
_BOOT: Final = r"""
set -eu
new=$1
shift
for folder in usr bin sbin lib lib64; do
  if [ -L "/$folder" ]; then
    [ -L "$new/$folder" ] || cp -P "/$folder" "$new/$folder"
  elif [ -d "/$folder" ]; then
    mkdir -p "$new/$folder"
    mount --rbind "/$folder" "$new/$folder"
    mount -o remount,bind,ro "$new/$folder"
  fi
done
mount --bind "$new/local" "$new/usr/local"
mkdir -p "$new/proc" "$new/dev" "$new/sys"
mount -t proc proc "$new/proc"
mount --rbind /dev "$new/dev"
mount --rbind /sys "$new/sys"
exec env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root chroot "$new" "$@"
"""

#: Users, disks and names of this machine are none of cloud-init's business.
_CLOUD_INIT: Final = """\
users: []
datasource_list: [NoCloud]
network: {config: disabled}
cloud_init_modules: []
cloud_config_modules: []
cloud_final_modules: [scripts-user]
system_info: {distro: debian}
"""

#: Starts nothing, and writes down what it was told.
_SYSTEMCTL: Final = """\
#!/bin/sh
echo "$*" >> /root/calls
"""

_LIMIT_S: Final = 120
_SEED: Final = "var/lib/cloud/seed/nocloud"


class Machine:
    """One machine, with systemd in charge."""

    def __init__(self, root: Path) -> None:
        """Make its files.

        :param root: is made by this.
        """
        self.root = root
        for folder in (_SEED, "var/log", "run/systemd/system", "tmp", "opt", "root", "local/bin"):
            (root / folder).mkdir(parents=True)
        shutil.copytree("/etc", root / "etc", symlinks=True)
        shutil.rmtree(root / "etc/cloud/cloud.cfg.d")
        (root / "etc/cloud/cloud.cfg").write_text(_CLOUD_INIT)
        for name, text in (("systemctl", _SYSTEMCTL), ("sync", "#!/bin/sh\n")):
            (root / "local/bin" / name).write_text(text)
            (root / "local/bin" / name).chmod(0o755)

    def boot(self, user_data: bytes) -> None:
        """Boot for the first time."""
        (self.root / _SEED / "meta-data").write_text("instance-id: i-1\n")
        (self.root / _SEED / "user-data").write_bytes(user_data)
        self._cloud_init("init")
        self._cloud_init("modules", "--mode=final")

    def run_again(self) -> None:
        """Run the user-data once more, as an image that was made of the machine would."""
        self._cloud_init("single", "--name=scripts-user", "--frequency=always")

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command inside."""
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        return subprocess.run(
            [*unshare, "/bin/sh", "-c", _BOOT, "sh", str(self.root), *command],
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )

    def told(self) -> list[str]:
        """Return what systemd was told since the last time."""
        calls = self.root / "root/calls"
        found = calls.read_text().splitlines() if calls.exists() else []
        calls.unlink(missing_ok=True)
        return found

    def _cloud_init(self, *arguments: str) -> None:
        done = self.run("cloud-init", *arguments)
        log = self.root / "var/log/cloud-init.log"
        text = log.read_text() if log.exists() else ""
        assert done.returncode == 0, f"{done.stdout}{done.stderr}{text[-5000:]}"
        assert "WARNING" not in text, text[-5000:]


def require_machines() -> None:
    """Ask for what a machine needs."""
    lab_needs.program("cloud-init", package="cloud-init")
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "true"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if tried.returncode:
        lab_needs.skip_for_rights("make mount namespaces", tried.stderr.strip())
