"""
The quickstart of README.md, word for word, in a copy of the working tree.

The copy uses the environment that the tests run in, so nothing is installed; the code that runs is the copy's.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.server import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0
NUMBER = "+86 139 1234 5678"


def quickstart() -> list[str]:
    """Return the commands of the quickstart, a fenced block each."""
    section = (ROOT / "README.md").read_text("utf-8").partition("## Quickstart")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of what git knows and of what is new, with the environment of the tests in its place."""
    if shutil.which("git") is None or shutil.which("make") is None or shutil.which("curl") is None:
        pytest.skip("the quickstart needs git, make and curl")
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    place = tmp_path / "evercard"
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    for name in ("requirements.lock", "requirements-dev.lock", "setup.cfg", "pyproject.toml"):
        # Newer than the environment, they would have make install the copy into it.
        os.utime(place / name, (0, 0))
    if not (Path(sys.prefix) / ".runs").exists():
        pytest.skip("the environment was not made by `make venv`")
    (place / ".venv").symlink_to(sys.prefix)
    return place


@pytest.fixture
def environment(copy: Path) -> dict[str, str]:
    """Return an environment in which the copy's code comes before what is installed."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    kept.pop("MAKEFLAGS", None)
    return {**kept, "PYTHONPATH": str(copy), "VENV": ".venv", "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def demo(copy: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Start the first command of the quickstart on a free port, and end it with all that it started."""
    command = quickstart()[0].strip()
    environment = {**environment, "DEMO_ARGS": f"--port {free_port()}"}
    started = subprocess.Popen(
        ["sh", "-c", f"exec {command}"],
        cwd=copy,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with started:
        yield started
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGKILL)


def said(demo: subprocess.Popen[str]) -> str:
    """Return what the demo prints until it has said how to end it."""
    assert demo.stdout is not None
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            return "".join(lines)
    pytest.fail("the demo ended:\n" + "".join(lines))


def members(group: int) -> list[int]:
    """Return the processes of a process group."""
    found = subprocess.run(["ps", "-A", "-o", "pid=,pgid="], capture_output=True, check=True, text=True).stdout
    return [int(pid) for pid, pgid in map(str.split, found.splitlines()) if int(pgid) == group]


def test_the_quickstart_keeps_its_word(copy: Path, environment: dict[str, str], demo: subprocess.Popen[str]) -> None:
    text = said(demo)
    base = re.search(r"http://\S+/", text)
    assert base
    password = re.search(r"^bo +(\S+)", text, re.MULTILINE)
    assert password

    assert NUMBER not in anna(base[0], "bo", password[1])
    for command in quickstart()[1:]:
        ended = subprocess.run(
            ["sh", "-ec", command], cwd=copy, env=environment, capture_output=True, check=False, text=True, timeout=60
        )
        assert ended.returncode == 0, ended.stderr
        assert NUMBER in ended.stdout
    assert NUMBER in anna(base[0], "bo", password[1])

    pasted = re.search(r"^  (\S+evercard .* && curl .*)$", text, re.MULTILINE)
    assert pasted
    line = pasted[1].replace(NUMBER, "+86 139 8765 4321")
    ended = subprocess.run(
        ["sh", "-ec", line], cwd=copy, env=environment, capture_output=True, check=False, text=True, timeout=60
    )
    assert "+86 139 8765 4321" in ended.stdout, ended.stderr

    # Ctrl-C reaches every process of a terminal.
    os.killpg(demo.pid, signal.SIGINT)
    deadline = time.monotonic() + PATIENCE
    while demo.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    assert demo.poll() is not None
    assert members(demo.pid) == []
    assert worker_of(copy) == []


def worker_of(copy: Path) -> list[str]:
    """Return the processes that still have the demo's configuration in their environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            content = place.read_bytes()
        except OSError:
            continue
        if f"{copy}/.demo/evercard.conf".encode() in content:
            found.append(place.parent.name)
    return found


def anna(base: str, login: str, password: str) -> str:
    """Return Anna's card as a device of somebody's gets it, all cards at once."""
    report = (
        '<addressbook-query xmlns="urn:ietf:params:xml:ns:carddav" xmlns:D="DAV:"><D:prop><address-data/></D:prop>'
        "<filter/></addressbook-query>"
    )
    with httpx.Client(auth=(login, password), trust_env=False) as client:
        answer = client.request(
            "REPORT",
            f"{base}{login}/contacts/",
            content=report,
            headers={"Depth": "1", "Content-Type": "application/xml; charset=utf-8"},
        )
    assert answer.status_code == 207, answer.text
    return answer.text
