"""
Thunderbird as a program of its own, without a display, told what its user does in the address book.

    with Thunderbird(folder) as thunderbird:
        book = thunderbird.add_account(server.url, "anna", password)
        contact = book.contact("Ben Beispiel")
        book.edit(contact, ("tel", "", "+49 30 5555 0100"))
        book.synchronize()

`driver.js`, which lies beside this file, works the windows of the address book; this module starts Thunderbird with a
profile of its own and keeps it from talking to anybody but servers of this machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.acceptance.thunderbird.marionette import Marionette, Refused

#: How long a loaded machine may take for one thing that somebody does, in seconds.
PATIENCE = 60.0
_DRIVER = Path(__file__).with_name("driver.js")
_PREFERENCES: dict[str, str | int | bool] = {
    # Any free port; it writes down which.
    "marionette.port": 0,
    # No names are looked up, so nobody outside of this machine can be asked for anything.
    "network.dns.disabled": True,
    # Nothing opens by itself in front of the address book.
    "mail.provider.suppress_dialog_on_startup": True,
    "mailnews.start_page.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    # What it has to say about synchronizing goes to its log.
    "carddav.setup.loglevel": "Debug",
    "carddav.sync.loglevel": "Debug",
    "devtools.console.stdout.chrome": True,
}
#: Starts a function of the driver's and comes back at once: while a question is open, no script may be running.
_START = """
const [name, ...given] = arguments;
const job = globalThis.job = { over: false };
(async () => globalThis.driver[name](...given))().then(
  value => Object.assign(job, { over: true, value: value ?? null }),
  error => Object.assign(job, { over: true, error: `${error}` }));
"""
_LOOK = "return { ...globalThis.job, waitingFor: globalThis.report.waitingFor };"

#: A change of a contact in the editor: the property, what it says before and what it is to say, empty for nothing.
Change = tuple[str, str, str]


class Unavailable(Exception):
    """Thunderbird is not installed here."""


class Failed(Exception):
    """Thunderbird could not do it; it says why, to its log if not to its user."""


@dataclass(frozen=True, slots=True)
class Contact:
    """
    A contact as Thunderbird shows it.

    *values* are (property, value) in the order of its card; *photo* is a URL, empty where there is none. *vcard* is the
    card as Thunderbird keeps it.
    """

    uid: str
    href: str
    etag: str
    name: str
    photo: str
    vcard: str
    values: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """Return the values of a property, in their order."""
        return [value for key, value in self.values if key == name]


class Thunderbird:
    """One installation with a new profile, and everything that it writes in *folder*."""

    def __init__(self, folder: Path) -> None:
        """
        Prepare; nothing is started yet.

        Raises:
            Unavailable: There is no Thunderbird, or it cannot be started at all.
        """
        self._program = _program()
        self._profile = folder / "profile"
        self._profile.mkdir()
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in _PREFERENCES.items()]
        (self._profile / "user.js").write_text("".join(lines))
        self._folder = folder
        self._log = folder / "thunderbird.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._marionette: Marionette | None = None

    def __enter__(self) -> Self:
        """Start it."""
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self._stop()

    def add_account(self, location: str, login: str, password: str) -> AddressBook:
        """Add an address book by the dialog for that, which asks for the password, and wait until it is filled."""
        return AddressBook(self, self.do("addAccount", location, login, password))

    def do(self, name: str, *given: object) -> Any:
        """
        Call a function of the driver's and return its result.

        Raises:
            Failed: Thunderbird reports an error, or does not get done.
        """
        deadline = time.monotonic() + PATIENCE
        self._script(_START, name, *given)
        while True:
            job = self._script(_LOOK)
            if job is not None and job["over"]:
                break
            if time.monotonic() > deadline:
                waiting = job["waitingFor"] if job else "an open question"
                raise Failed(f"{name} waits for {waiting}\n{self._said()}")
            time.sleep(0.02)
        if "error" in job:
            raise Failed(f"{name}: {job['error']}\n{self._said()}")
        return job["value"]

    def _start(self) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(self._program, "--headless", "--no-remote", "--profile", self._profile),
                    *("--marionette", "--remote-allow-system-access"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Neither a display nor a message bus nor anybody's own files.
                env={"PATH": os.environ["PATH"], "HOME": str(self._folder), "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        self._marionette = Marionette(self._port(self._process), PATIENCE)
        # Questions are the driver's to answer; left alone, Marionette answers no.
        self._marionette.command("WebDriver:NewSession", unhandledPromptBehavior="ignore")
        self._marionette.command("Marionette:SetContext", value="chrome")
        self._script(_DRIVER.read_text("utf-8"))

    def _port(self, process: subprocess.Popen[bytes]) -> int:
        deadline = time.monotonic() + PATIENCE
        written = self._profile / "MarionetteActivePort"
        while True:
            with contextlib.suppress(FileNotFoundError):
                port = written.read_text().strip()
                if port:
                    return int(port)
            gone = process.poll() is not None
            assert not gone, f"Thunderbird ended:\n{self._log.read_text('utf-8', 'replace')[-2000:]}"
            assert time.monotonic() < deadline, "Thunderbird does not get up"
            time.sleep(0.02)

    def _script(self, script: str, *arguments: object) -> Any:
        """Run a script and return its result; None if a question is open, or opens on the way."""
        assert self._marionette is not None, "Thunderbird is not running"
        given = {"script": script, "args": arguments, "sandbox": "system", "newSandbox": False}
        try:
            return self._marionette.command("WebDriver:ExecuteScript", **given)["value"]
        except Refused as refused:
            if refused.kind != "unexpected alert open":
                raise
            return None

    def _stop(self) -> None:
        process, self._process = self._process, None
        marionette, self._marionette = self._marionette, None
        if marionette is not None:
            with contextlib.suppress(Refused, OSError):
                marionette.command("Marionette:Quit", flags=["eForceQuit"])
            marionette.close()
        if process is None:
            return
        if marionette is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE / 4)
        # Its own session, so all of these are its own processes.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)

    def _said(self) -> str:
        """Return the end of its log, as far as it is about synchronizing; most of it misses a display."""
        lines = self._log.read_text("utf-8", "replace").splitlines()
        return "\n".join([line for line in lines if "carddav" in line.lower()][-30:])


class AddressBook:
    """An address book of a CardDAV account in Thunderbird."""

    def __init__(self, thunderbird: Thunderbird, uid: str) -> None:
        """Speak about the address book that Thunderbird knows by *uid*."""
        self._thunderbird = thunderbird
        self._uid = uid
        described = self._do("describe")
        self.name: str = described["name"]
        self.url: str = described["url"]
        self.read_only: bool = described["readOnly"]

    @property
    def contacts(self) -> dict[str, Contact]:
        """What it shows, by name."""
        found = [Contact(**{**one, "values": tuple(map(tuple, one["values"]))}) for one in self._do("contacts")]
        named = {one.name: one for one in found}
        assert len(named) == len(found), f"two of a name: {sorted(one.name for one in found)}"
        return named

    def contact(self, name: str) -> Contact:
        """Return the contact of that name."""
        return self.contacts[name]

    def synchronize(self) -> None:
        """Synchronize, as in its menu, and as happens every half an hour."""
        self._do("synchronize")

    def edit(self, contact: Contact, *changes: Change) -> None:
        """Change a contact in the editor, save, and wait until Thunderbird has what the server made of it."""
        self._do("edit", contact.uid, changes)

    def create(self, *changes: Change) -> None:
        """Make a new contact in the editor, as `edit`."""
        self._do("create", changes)

    def remove(self, contact: Contact) -> None:
        """Delete a contact, confirm, and wait until the server was told, or could not be."""
        self._do("remove", contact.uid)

    def discard(self) -> None:
        """Take the account out of Thunderbird; nothing is deleted on the server."""
        self._do("removeAccount")

    @property
    def token(self) -> str:
        """The sync token that it asks with next."""
        token: str = self._do("token")
        return token

    @token.setter
    def token(self, token: str) -> None:
        self._do("setToken", token)

    def _do(self, name: str, *given: object) -> Any:
        return self._thunderbird.do(name, self._uid, *given)


def _program() -> str:
    """
    Return the path of Thunderbird.

    Raises:
        Unavailable: There is none, or only something that says how to get one.
    """
    found = shutil.which("thunderbird")
    if found is not None:
        asked = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
        if asked.returncode == 0 and "Thunderbird" in asked.stdout:
            return found
    raise Unavailable("Thunderbird is not installed (Debian: apt-get install thunderbird)")
