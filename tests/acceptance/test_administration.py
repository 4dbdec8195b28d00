"""
docs/administration.md, word for word and in its order, as root of a Debian whose files it may change.

It runs in namespaces of its own: what it writes below /etc, /opt, /usr and /var is gone afterwards, and the addresses
that it listens at are nobody else's. There is no systemd there. Where the document asks it for something (blocks marked
so), the test does what the unit says: it runs the unit's own command as the unit's user.
"""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from radicale_plugin.cli.main import PARTS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "administration.md").read_text("utf-8")
HOST = "contacts.example.org"
#: What needs the network, from which packages come. Everything else has one of its own.
OUTSIDE = re.compile(r"^(?:apt-get|/opt/evercard/bin/pip) .*\n", re.MULTILINE)
ISOLATED = "unshare --mount --propagation private bash -euo pipefail"
PREPARE = """
mount -t tmpfs tmpfs /mnt
for place in etc opt usr var; do
    mkdir -p /mnt/$place/upper /mnt/$place/work
    mount -t overlay overlay -o lowerdir=/$place,upperdir=/mnt/$place/upper,workdir=/mnt/$place/work /$place
done
rm -rf /var/lib/evercard /etc/evercard /opt/evercard /usr/local/bin/evercard /etc/nginx/sites-enabled/*
"""
CERTIFICATE = f"""
mkdir -p /etc/letsencrypt/live/{HOST}
openssl req -x509 -newkey rsa:2048 -noenc -subj /CN={HOST} -addext subjectAltName=DNS:{HOST} -days 2 \
    -out /etc/letsencrypt/live/{HOST}/fullchain.pem -keyout /etc/letsencrypt/live/{HOST}/privkey.pem 2>/dev/null
"""
#: What a phone does first: it finds the address book by the name of the server.
PHONE = f"""
nginx
password=$(runuser -u evercard -- evercard device add anna "Test" | sed -n 's/^Password *//p')
for path in /.well-known/carddav /anna/contacts/; do
    curl --silent --fail --cacert /etc/letsencrypt/live/{HOST}/fullchain.pem --resolve {HOST}:443:127.0.0.1 \
        --user "anna:$password" --request PROPFIND --header "Depth: 0" https://{HOST}$path | grep -q multistatus
done
nginx -s stop
"""


def blocks() -> list[tuple[str, str, str]]:
    """Return the section, the mark and the commands of each block that is to be run."""
    found, section = [], ""
    for part in re.finditer(r"^(## \d+\.)[^\n]*$|^```sh ?(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL):
        section = part[1] or section
        if part[3]:
            found.append((section, part[2], part[3]))
    return found


def service() -> str:
    """Return a command that starts what the unit of the server starts, as its user, and ends it with the shell."""
    unit = configparser.RawConfigParser(strict=False, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(ROOT / "config" / "evercard.service")
    run, user = unit["Service"]["ExecStart"], unit["Service"]["User"]
    place = unit["Service"]["WorkingDirectory"]
    return f"(cd {place}; umask 0077; exec setpriv --reuid {user} --regid {user} --init-groups {run}) & server=$!\n"


def stopped() -> str:
    """Return a command that ends the server, if it runs."""
    return 'if [ -n "${server:-}" ]; then kill $server; wait $server || true; server=; fi\n'


def acted(commands: str) -> str:
    """Return what stands for a block that asks systemd for something."""
    wanted = shlex.split(commands)
    if "evercard-backup.timer" in wanted and "install" not in wanted:
        return ""
    lines = [line for line in commands.splitlines() if not line.startswith("systemctl")]
    if "nginx" in wanted:
        return PHONE
    if "stop" in wanted:
        return stopped()
    if "restart" in wanted or "enable" in wanted:
        return "\n".join([*lines, stopped() + service()])
    pytest.fail(f"nothing stands for {commands}")


def offered(commands: str) -> bool:
    """Whether every command of ours in a block is one that this program has."""
    named = re.findall(r"-- evercard (\w+)", commands)
    return all(name in PARTS for name in named)


def script(chosen: list[tuple[str, str, str]]) -> str:
    """Return the blocks as one script, which says each of its lines."""
    steps = [acted(commands) if mark == "systemd" else commands for _, mark, commands in chosen if offered(commands)]
    return "set -x\n" + "\n".join(steps)


def needed() -> None:
    """Skip the test where it cannot have a Debian of its own."""
    if os.getuid() != 0 or not Path("/etc/debian_version").exists() or shutil.which("unshare") is None:
        pytest.skip("this needs root on Debian")
    probe = f"{PREPARE}unshare --net true"
    if subprocess.run([*ISOLATED.split(), "-c", probe], capture_output=True, check=False).returncode:
        pytest.skip("this machine makes no namespaces and no overlays")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of what git knows of the repository."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    place = tmp_path / "evercard"
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    return place


def test_every_block_is_run_or_asks_systemd_for_something_that_exists() -> None:
    found = blocks()
    assert len([mark for _, mark, _ in found if mark == ""]) > 8
    for _, mark, commands in found:
        assert mark in ("", "systemd")
        assert ("systemctl" in commands) == (mark == "systemd")
        for unit in re.findall(r"\bevercard[\w-]*\.(?:service|timer)\b", commands):
            assert (ROOT / "config" / unit).exists()


@pytest.mark.timeout(900)
def test_an_administrator_gets_from_nothing_to_https_and_back(copy: Path) -> None:
    needed()
    install = [block for block in blocks() if block[0] == "## 1."]
    rest = [(part, mark, OUTSIDE.sub("", text)) for part, mark, text in blocks() if part != "## 1."]
    network = [line for part, _, text in blocks() if part != "## 1." for line in OUTSIDE.findall(text)]
    begin, end = "ip link set lo up", f"trap {shlex.quote(stopped())} EXIT"
    inner = "\n".join([begin, end, CERTIFICATE, script(rest), "echo finished"])
    (copy / "inner.sh").write_text(inner)
    outer = "\n".join([PREPARE, script(install), *network, "unshare --net bash -euo pipefail inner.sh"])
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("EVERCARD_", "RADICALE_"))}
    # Whose Python it is that root finds first on this machine is not what this is about.
    environment.update(DEBIAN_FRONTEND="noninteractive", PATH="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin")
    ended = subprocess.run(
        [*ISOLATED.split(), "-c", outer],
        cwd=copy,
        env=environment,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert ended.returncode == 0, ended.stdout[-6000:]
    assert "\nfinished\n" in ended.stdout
    assert "line 2: bo: registered" in ended.stdout
    assert '"worker": "ok"' in ended.stdout
