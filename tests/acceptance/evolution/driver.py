"""
Evolution's address book service, driven as Evolution drives it: one JSON command a line, one JSON answer a line.

It runs under the system's Python, which has the service's bindings, inside a session bus of its own. The service holds
the account, the copy of the address book and the connection to the server; this program does what the window would do.
A command is an object: ``do`` names a function below, the rest are its arguments. An answer is ``{"result": …}`` or
``{"error": "…"}``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import gi

gi.require_version("EDataServer", "1.2")
gi.require_version("EBook", "1.2")
gi.require_version("EBookContacts", "1.2")
# Versions have to be chosen before anything is imported.
from gi.repository import EBook, EBookContacts, EDataServer, GLib  # noqa: E402

#: How long the service may take to start or to open an address book, in seconds.
PATIENCE = 60


class Window:
    """What an open Evolution holds: the list of accounts, and one opened address book."""

    def __init__(self) -> None:
        """Start the service."""
        self._accounts = EDataServer.SourceRegistry.new_sync(None)
        self._credentials = EDataServer.NamedParameters.new()
        self._book: Any = None

    def discover(self, url: str, login: str, password: str) -> list[dict[str, str]]:
        """Look for address books as the dialogue for a new account does."""
        self._credentials.set("username", login)
        self._credentials.set("password", password)
        found = EDataServer.webdav_discover_sources_sync(
            self._account(url, login), url, EDataServer.WebDAVDiscoverSupports.CONTACTS, self._credentials, None
        ).out_discovered_sources
        return [{"href": book.href, "name": book.display_name} for book in found]

    def add_account(self, href: str, login: str) -> bool:
        """Add the address book at *href*, open it, and return whether it can be written to."""
        account = self._account(href, login)
        self._accounts.commit_source_sync(account, None)
        # The password is asked for when the server wants it; nobody keeps a keyring here.
        registered = self._accounts.ref_source(account.get_uid())
        registered.connect("credentials-required", self._authenticate)
        opened: list[Any] = []
        EBook.BookClient.connect(registered, PATIENCE, None, lambda _source, result: opened.append(result))
        self._wait_for(lambda: bool(opened))
        self._book = EBook.BookClient.connect_finish(opened[0])
        self._wait_for(self._book.is_online)
        return not self._book.is_readonly()

    def refresh(self) -> None:
        """Ask for what is new, as the menu does; the answer does not wait until it is here."""
        self._book.refresh_sync(None)

    def contacts(self) -> dict[str, str]:
        """Return the vCard of every contact by its UID, as the service keeps them."""
        _, found = self._book.get_contacts_sync('(contains "x-evolution-any-field" "")', None)
        return {contact.props.id: contact.to_string(getattr(EBookContacts.VCardFormat, "30")) for contact in found}

    def add(self, fields: Mapping[str, str]) -> str:
        """Add a contact with these fields, named as in `EBookContacts.Contact`, and return its UID."""
        contact = EBookContacts.Contact()
        _, uid = self._book.add_contact_sync(_filled(contact, fields), EBookContacts.BookOperationFlags.NONE, None)
        return str(uid)

    def edit(self, uid: str, fields: Mapping[str, str]) -> None:
        """Change these fields of a contact."""
        _, contact = self._book.get_contact_sync(uid, None)
        self._book.modify_contact_sync(_filled(contact, fields), EBookContacts.BookOperationFlags.NONE, None)

    def remove(self, uid: str) -> None:
        """Delete a contact."""
        self._book.remove_contact_by_uid_sync(uid, EBookContacts.BookOperationFlags.NONE, None)

    @staticmethod
    def _account(url: str, login: str) -> Any:
        place = GLib.Uri.parse(url, GLib.UriFlags.NONE)
        account = EDataServer.Source.new(None, None)
        account.set_display_name("Contacts")
        account.set_parent("carddav-stub")
        account.get_extension(EDataServer.SOURCE_EXTENSION_ADDRESS_BOOK).set_backend_name("carddav")
        account.get_extension(EDataServer.SOURCE_EXTENSION_WEBDAV_BACKEND).set_uri(place)
        signing_in = account.get_extension(EDataServer.SOURCE_EXTENSION_AUTHENTICATION)
        signing_in.set_host(place.get_host())
        signing_in.set_port(place.get_port())
        signing_in.set_user(login)
        signing_in.set_method("plain/password")
        return account

    def _authenticate(self, account: Any, *_why: object) -> None:
        account.invoke_authenticate(self._credentials, None, None)

    @staticmethod
    def _wait_for(condition: Callable[[], bool]) -> None:
        """Let events happen until *condition* holds."""
        late: list[bool] = []
        timer = GLib.timeout_add_seconds(PATIENCE, lambda: late.append(True))
        while not condition():
            GLib.MainContext.default().iteration(True)
            if late:
                raise TimeoutError("the address book was not opened in time")
        GLib.source_remove(timer)


def _filled(contact: Any, fields: Mapping[str, str]) -> Any:
    for name, value in fields.items():
        contact.set_property(name, value)
    return contact


def main() -> None:
    """Do what is asked on standard input until it ends."""
    window = Window()
    for line in sys.stdin:
        given = json.loads(line)
        try:
            answer = {"result": getattr(window, given.pop("do"))(**given)}
        except (GLib.Error, TimeoutError) as error:
            answer = {"error": str(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
