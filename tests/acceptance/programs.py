"""
Real clients, each as a process of its own that is told what its user does.

Beside this file lie the programs that drive them; they and a `Program` here exchange a line of JSON for each command. A
program is one device: what it knows of the address book, it keeps until it is ended.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from typing_extensions import override

from sync.vcard import parse_one
from tests.support.people import Person
from tests.support.postgresql import locked

#: How long a loaded machine may take until a client has done something, in seconds.
PATIENCE = 60.0
#: After how long a client is asked again to synchronize, because it may have been asked while it was at it.
AGAIN = 2.0
HERE = Path(__file__).parent

What = Literal["name", "mobile", "note"]
#: What a client shows: the values of each property, by the UID of the contact and the name of the property.
Contacts = Mapping[str, Mapping[str, Sequence[str]]]


class Unavailable(Exception):
    """A client that is not installed here."""


class Program(ABC):
    """One device of *person*'s, with its files in *folder*."""

    def __init__(self, command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]) -> None:
        """Start it. Of the environment it gets only what is named here."""
        self._log = folder / "program.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it and what it started."""
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE / 4)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def set_up(self, url: str, person: Person) -> list[str]:
        """Add the account by the address of the server alone; return the names of the address books, open the first."""
        found = self.ask("discover", url=url, login=person.login, password=person.password)
        assert found, "no address book was found"
        self._open(found[0]["href"], person)
        return [book["name"] for book in found]

    def contacts(self) -> Contacts:
        """Return what it shows now."""
        return {uid: _values(text) for uid, text in self.ask("contacts").items()}

    def synchronized(self, condition: Callable[[Contacts], bool]) -> Contacts:
        """Let it synchronize until what it shows fulfils *condition*, and return that. Missing contacts fulfil none."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self.ask("refresh")
            again = time.monotonic() + AGAIN
            while time.monotonic() < again:
                shown = self.contacts()
                with contextlib.suppress(KeyError):
                    if condition(shown):
                        return shown
                time.sleep(0.05)
        raise AssertionError(f"it shows {self.contacts()}\n{self._log.read_text(errors='replace')}")

    @abstractmethod
    def add(self, what: Mapping[What, str]) -> str:
        """Add a contact and return its UID."""

    @abstractmethod
    def edit(self, uid: str, what: Mapping[What, str]) -> None:
        """Change what a contact says: each of these is replaced, or added."""

    def remove(self, uid: str) -> None:
        """Delete a contact."""
        self.ask("remove", uid=uid)

    @abstractmethod
    def _open(self, href: str, person: Person) -> None:
        """Open an address book and fetch what is in it."""

    def ask(self, do: str, **given: object) -> Any:
        """Give it a command and return its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **given}).encode() + b"\n")
        self._process.stdin.flush()
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._process.stdout, selectors.EVENT_READ)
            assert waiting.select(2 * PATIENCE), f"no answer to {do}:\n{self._log.read_text(errors='replace')}"
        line = self._process.stdout.readline()
        assert line, f"it ended at {do}:\n{self._log.read_text(errors='replace')}"
        answer = json.loads(line)
        assert "result" in answer, f"{do}: {answer['error']}"
        return answer["result"]


class Tsdav(Program):
    """The library tsdav under Node.js. *method* is how it asks for changes: ``webdav`` by token, ``basic`` by ctag."""

    _NAMES: Mapping[What, str] = {"name": "FN", "mobile": "TEL;TYPE=CELL", "note": "NOTE"}

    def __init__(self, folder: Path, method: Literal["webdav", "basic"]) -> None:
        """
        Start it, and install the library first if nobody has yet.

        Raises:
            Unavailable: There is no Node.js, or the library cannot be fetched.
        """
        node = _found("node", "nodejs")
        super().__init__([node, HERE / "tsdav" / "driver.mjs", _installed_tsdav(), method], folder, {})

    @override
    def _open(self, href: str, person: Person) -> None:
        self.ask("open", href=href)

    def forget(self, token: str) -> None:
        """Let it hold *token* instead of its sync token and its ctag."""
        self.ask("forget", token=token)

    @override
    def add(self, what: Mapping[What, str]) -> str:
        uid = str(uuid.uuid4())
        lines = [f"{self._NAMES[name]}:{value}" for name, value in what.items()]
        text = "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}", *lines, "END:VCARD", ""])
        self.ask("add", name=f"{uid}.vcf", text=text)
        return uid

    @override
    def edit(self, uid: str, what: Mapping[What, str]) -> None:
        text: str = self.ask("contacts")[uid]
        lines = text.replace("\r\n ", "").splitlines()
        for name, value in what.items():
            written = self._NAMES[name]
            kept = [line for line in lines if not line.startswith(written.partition(";")[0])]
            lines = [*kept[:-1], f"{written}:{value}", kept[-1]]
        self.ask("edit", uid=uid, text="\r\n".join([*lines, ""]))


class Evolution(Program):
    """Evolution's address book service, without the window."""

    _NAMES: Mapping[What, str] = {"name": "full-name", "mobile": "mobile-phone", "note": "note"}
    #: Of the services that this machine offers, only its own are started: no keyring, nothing of a desktop.
    _BUS = """<busconfig>
      <type>session</type>
      <listen>unix:tmpdir=/tmp</listen>
      <servicedir>{services}</servicedir>
      <policy context="default">
        <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
      </policy>
    </busconfig>
    """
    _PYTHON = Path("/usr/bin/python3")

    def __init__(self, folder: Path) -> None:
        """
        Start it on a message bus of its own.

        Raises:
            Unavailable: The service or its bindings are not installed.
        """
        bus = _found("dbus-run-session", "dbus")
        offered = sorted(Path("/usr/share/dbus-1/services").glob("org.gnome.evolution.dataserver.*.service"))
        bindings = "import gi; [gi.require_version(name, '1.2') for name in ('EBook', 'EBookContacts', 'EDataServer')]"
        if not offered or subprocess.run([self._PYTHON, "-c", bindings], capture_output=True, check=False).returncode:
            raise Unavailable(
                "Evolution's service is not installed (Debian: apt-get install evolution-data-server python3-gi "
                "gir1.2-ebook-1.2 gir1.2-ebookcontacts-1.2 gir1.2-edataserver-1.2)"
            )
        services = folder / "services"
        services.mkdir()
        for service in offered:
            shutil.copy(service, services)
        configuration = folder / "bus.conf"
        configuration.write_text(self._BUS.format(services=services))
        driver = HERE / "evolution" / "driver.py"
        super().__init__(
            [bus, f"--config-file={configuration}", "--", self._PYTHON, driver],
            folder,
            {
                "PATH": os.defpath,
                "HOME": str(folder),
                "XDG_RUNTIME_DIR": str(folder),
                "LANG": "C.UTF-8",
                "GSETTINGS_BACKEND": "memory",
            },
        )

    @override
    def _open(self, href: str, person: Person) -> None:
        assert self.ask("add_account", href=href, login=person.login), "the address book is read-only"

    @override
    def add(self, what: Mapping[What, str]) -> str:
        uid: str = self.ask("add", fields={self._NAMES[name]: value for name, value in what.items()})
        return uid

    @override
    def edit(self, uid: str, what: Mapping[What, str]) -> None:
        self.ask("edit", uid=uid, fields={self._NAMES[name]: value for name, value in what.items()})


def _found(program: str, package: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise Unavailable(f"{program} is not installed (Debian: apt-get install {package})")
    return found


def _installed_tsdav() -> Path:
    directory, problem = _tsdav()
    if problem:
        raise Unavailable(f"npm could not install tsdav: {problem}")
    return directory


@cache
def _tsdav() -> tuple[Path, str]:
    """
    Return a directory with what the lock in the repository names, and why that could not be put there.

    It is installed once for each state of that lock, and tried once in each process.
    """
    given = [HERE / "tsdav" / name for name in ("package.json", "package-lock.json")]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in given)).hexdigest()[:16]
    directory = Path(sys.prefix) / "share" / "evercard-tests" / f"tsdav-{digest}"
    command = [_found("npm", "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
    directory.mkdir(parents=True, exist_ok=True)
    with locked(directory / "installing"):
        done = directory / "done"
        if done.exists():
            return directory, ""
        for file in given:
            shutil.copy(file, directory)
        try:
            ended = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=100)
        except subprocess.TimeoutExpired as error:
            return directory, str(error)
        if ended.returncode:
            return directory, ended.stderr
        done.touch()
    return directory, ""


def _values(text: str) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for line in parse_one(text.encode()).properties:
        if not line.name.startswith("X-EVOLUTION-"):
            result.setdefault(line.name, []).append(line.value)
    return result
