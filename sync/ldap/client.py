"""
LDAP, as a client: whose password this is, and who is there (RFC 4511, RFC 4513, RFC 4515).

Nothing here knows who is who on this server. Every exchange has connections of its own, and an end: whoever does not
answer is given up. No password, no name and no value is in any error or line of the log.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from ldap3 import NONE, SIMPLE
from ldap3.core.connection import Connection
from ldap3.core.exceptions import LDAPException
from ldap3.core.results import (
    RESULT_BUSY,
    RESULT_OPERATIONS_ERROR,
    RESULT_PROTOCOL_ERROR,
    RESULT_REFERRAL,
    RESULT_SUCCESS,
    RESULT_UNAVAILABLE,
)
from ldap3.core.server import Server
from ldap3.core.tls import Tls
from ldap3.utils.conv import escape_filter_chars
from pyasn1.error import PyAsn1Error
from typing_extensions import override

from sync.errors import LdapUnavailable
from sync.notify import outgoing
from sync.settings import Ldap
from sync.sign_in.told import Told

logger = logging.getLogger("evercard")

#: Seconds to wait for a connection, and for each answer.
PATIENCE = 5
#: Seconds for which nobody waits for a directory again that did not answer: many who wait would keep others waiting.
SILENT = 5.0
#: How many people are read at once.
PAGE = 500
#: No password and no name is longer.
LONGEST = 1000
_SILENT = "it did not answer a moment ago"
_PAGED = "1.2.840.113556.1.4.319"
#: Answers to a bind that say nothing of the password.
_NO_ANSWER = {RESULT_OPERATIONS_ERROR, RESULT_PROTOCOL_ERROR, RESULT_REFERRAL, RESULT_BUSY, RESULT_UNAVAILABLE}
_FAULTS = (LDAPException, PyAsn1Error, OSError, ValueError, TypeError, LookupError)


class Client:
    """The directory of an organisation, for one process."""

    def __init__(self, settings: Ldap) -> None:
        """Prepare to ask it. It is not asked anything yet."""
        self._settings = settings
        self._lock = threading.Lock()
        self._silent_until = 0.0
        names = [*(kind for _, kind in settings.fields), *settings.logins, "mail", settings.id]
        self._wanted = list(dict.fromkeys(name.lower() for name in names))

    def check(self, login: str, password: str) -> Told | None:
        """
        Return who calls themselves *login* there and has this password; None where nobody has, or more than one.

        Raises:
            LdapUnavailable: The directory does not answer, or not as it should.
        """
        # An empty password would be no password at all: many directories let anybody in with it (RFC 4513, 5.1.2).
        if not (_is_sayable(login) and _is_sayable(password)):
            return None
        with self._asking():
            found = self._named(login)
            # Whoever is not there is asked about as those who are, so that both take as long.
            dn = found[0] if found is not None else f"cn=nobody,{self._settings.base}"
            with self._opened() as connection:
                is_right = self._binds(connection, dn, password)
        return found[1] if found is not None and is_right else None

    def everybody(self) -> Iterator[list[Told]]:
        """
        Yield everybody who is there, some at a time. Whoever takes all that come has them all, or gets an error.

        Raises:
            LdapUnavailable: The directory does not answer, not as it should, or not with all of them.
        """
        with self._asking(), self._bound() as connection:
            cookie: bytes | None = b""
            while cookie is not None:
                entries, cookie = self._page(connection, self._settings.filter, PAGE, cookie)
                yield [told for entry in entries if (told := self._told(entry)) is not None]

    def fitting(self, wanted: str) -> set[str]:
        """
        Return the subjects of all of `everybody` who fit the filter *wanted* besides.

        Raises:
            LdapUnavailable: As in `everybody`.
        """
        found = set[str]()
        with self._asking(), self._bound() as connection:
            cookie: bytes | None = b""
            while cookie is not None:
                entries, cookie = self._page(connection, f"(&{self._settings.filter}{wanted})", PAGE, cookie)
                found.update(told.subject for entry in entries if (told := self._told(entry)) is not None)
        return found

    def try_out(self) -> bool:
        """
        Return whether somebody is there, as far as this server may see.

        Raises:
            LdapUnavailable: The directory does not answer, or not as it should.
        """
        with self._asking(), self._bound() as connection:
            entries, _ = self._page(connection, self._settings.filter, 1, b"")
        return any(self._told(entry) for entry in entries)

    def _named(self, login: str) -> tuple[str, Told] | None:
        name = escape_filter_chars(login)
        called = "".join(f"({attribute}={name})" for attribute in self._settings.logins)
        with self._bound() as connection:
            entries, more = self._page(connection, f"(&{self._settings.filter}(|{called}))", 2, b"")
        told = self._told(entries[0]) if len(entries) == 1 and more is None else None
        return (str(entries[0]["dn"]), told) if told is not None and entries[0]["dn"] else None

    def _page(
        self, connection: Any, wanted: str, most: int, cookie: bytes
    ) -> tuple[list[Mapping[str, Any]], bytes | None]:
        """Return at most so many entries, and where the next begin; None at the end."""
        settings = self._settings
        connection.search(
            settings.base,
            wanted,
            attributes=self._wanted,
            time_limit=PATIENCE,
            paged_size=most,
            paged_cookie=cookie or None,
        )
        result = connection.result
        # A search that was cut short is an error here, which the library does not say by itself.
        if result["result"] != RESULT_SUCCESS:
            _fail(f"a search is answered with {result['description']}")
        following = result.get("controls", {}).get(_PAGED, {}).get("value", {}).get("cookie")
        entries = [entry for entry in connection.response if entry["type"] == "searchResEntry"]
        return entries, following or None

    def _told(self, entry: Mapping[str, Any]) -> Told | None:
        raw = {name.lower(): values for name, values in entry["raw_attributes"].items() if values}
        claims = {name: text for name, values in raw.items() if (text := _text(values[0])) is not None}
        known = raw.get(self._settings.id.lower(), [b""])[0]
        if not known:
            return None
        login = next((claims[name.lower()] for name in self._settings.logins if name.lower() in claims), "")
        return Told(_text(known) or known.hex(), claims, login=login, email=claims.get("mail", "").strip())

    def _binds(self, connection: Any, dn: str, password: str) -> bool:
        # As octets: the library prepares a text after it looked whether that is empty, and could make it so.
        connection.user, connection.password = dn, password.encode()
        connection.authentication = SIMPLE
        connection.bind()
        result: int = connection.result["result"]
        if result in _NO_ANSWER:
            _fail(f"a sign-in is answered with {connection.result['description']}")
        return result == RESULT_SUCCESS

    @contextmanager
    def _bound(self) -> Iterator[Any]:
        with self._opened() as connection:
            settings = self._settings
            if settings.bind_dn and not self._binds(connection, settings.bind_dn, settings.bind_password):
                _fail("ldap_bind_dn and its password are refused")
            yield connection

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        address = urlsplit(self._settings.url)
        is_tls = address.scheme == "ldaps"
        host, port = str(address.hostname), address.port or (636 if is_tls else 389)
        outgoing.look_up(host, port)
        tls = _Tls(self._settings.ca_file, host)
        server = Server(
            host,
            port,
            use_ssl=is_tls,
            tls=tls,
            get_info=NONE,
            connect_timeout=PATIENCE,
        )
        plain = {"auto_referrals": False, "check_names": False, "raise_exceptions": False}
        connection: Any = Connection(server, receive_timeout=PATIENCE, read_only=True, **plain)
        try:
            connection.open(read_server_info=False)
            if not is_tls and self._settings.start_tls and not connection.start_tls(read_server_info=False):
                _fail("it does not begin TLS")
            yield connection
        finally:
            connection.strategy.close()
            if connection.socket is not None:
                connection.socket.close()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        with self._lock:
            if time.monotonic() < self._silent_until:
                raise LdapUnavailable(_SILENT)
        try:
            yield
        except _FAULTS as error:
            logger.warning("The organisation's directory cannot be asked: %s", type(error).__name__)
            with self._lock:
                self._silent_until = time.monotonic() + SILENT
            raise LdapUnavailable(type(error).__name__) from error


class _Tls(Tls):
    """TLS with the standard library's own check of whose certificate this is; the library's is older than that."""

    def __init__(self, ca_file: str, host: str) -> None:
        prepare: Any = super().__init__
        prepare(validate=ssl.CERT_REQUIRED)
        self._ca_file, self._host = ca_file, host

    @override
    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        context = ssl.create_default_context(cafile=self._ca_file or None)
        connection.socket = context.wrap_socket(connection.socket, server_hostname=self._host)


def _is_sayable(text: str) -> bool:
    """Whether a text can be a name or a password: of another one, the directory need not be asked."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return 0 < len(text) <= LONGEST and "\0" not in text


def _fail(reason: str) -> None:
    logger.error("The organisation's directory does not do its part: %s", reason)
    raise LdapUnavailable(reason)


def _text(octets: bytes) -> str | None:
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None
