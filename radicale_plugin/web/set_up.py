"""What phones and programs are told so that they find this server: addresses, links, and Apple's profiles."""

from __future__ import annotations

import plistlib
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import segno

from radicale_plugin.web.base_url import Place
from radicale_plugin.web.language import lazy as _

#: The type by which an iPhone or Mac knows a profile.
PROFILE_TYPE = "application/x-apple-aspen-config"


@dataclass(frozen=True, slots=True)
class Client:
    """A program that can be set up. *title*, *about* and *label* are texts in the language of the answer."""

    key: str
    title: Any
    about: Any
    label: Any

    @property
    def takes_profile(self) -> bool:
        """Whether it can be set up by a file (see `Access.profile`)."""
        return self.key in ("iphone", "mac")

    @property
    def is_phone(self) -> bool:
        """Whether it is best set up in a browser on the phone itself."""
        return self.key in ("iphone", "android")


CLIENTS = (
    Client("iphone", _("iPhone or iPad"), _("In Contacts, by a file that is downloaded here."), _("iPhone")),
    Client("android", _("Android"), _("In the phone's own contacts, by the app DAVx⁵."), _("Android phone")),
    Client("mac", _("Mac"), _("In Contacts, by a file that is downloaded here."), _("Mac")),
    Client("thunderbird", _("Thunderbird"), _("In the address book, without any add-on."), _("Thunderbird")),
    Client("evolution", _("Evolution and GNOME"), _("In Contacts and Evolution."), _("Evolution")),
    Client("other", _("Another program"), _("Whatever speaks CardDAV."), _("Another program")),
)


def client(key: str) -> Client | None:
    """Return the program of this name, or None."""
    return next((each for each in CLIENTS if each.key == key), None)


#: What the browsers of a system say of themselves; an Android says Linux as well.
_SYSTEMS = (("iPhone", "iphone"), ("iPad", "iphone"), ("iPod", "iphone"), ("Android", "android"), ("Macintosh", "mac"))


def client_of(browser: str) -> Client | None:
    """Return what is set up where the browser says *browser* of itself, None where that does not tell."""
    return next((client(key) for word, key in _SYSTEMS if word in browser), None)


@dataclass(frozen=True, slots=True)
class Access:
    """What lets one device in to the server at *place*."""

    place: Place
    login: str
    device_id: int
    password: str

    @property
    def address(self) -> str:
        """What every program asks for as the address of the server."""
        return f"{self.place.base_url}/"

    @property
    def server(self) -> str:
        """What an iPhone asks for as the server: the name alone where that is enough."""
        return self.place.netloc if not self.place.prefix else f"{self.place.netloc}{self.place.prefix}/"

    @property
    def principal(self) -> str:
        """The path of the person's principal (RFC 3744, 2)."""
        return f"{self.place.prefix}/{self.login}/"

    @property
    def link(self) -> str:
        """The link that opens DAVx⁵ with everything filled in (its manual, “Integration”; client fact D-13)."""
        scheme = "davx5" if self.place.is_secure else "carddav"
        who = f"{quote(self.login, safe='')}:{quote(self.password, safe='')}"
        return f"{scheme}://{who}@{self.place.netloc}{self.place.prefix}/"

    def profile(self, title: str) -> bytes:
        """
        Return a configuration profile for Apple's programs with this account in it, called *title*; it is not signed.

        One for the same login replaces an earlier one on the same device, because its identifiers are the same; its
        UUIDs are those of the password (client fact I-24).
        """
        identifier = f"{'.'.join(reversed(self.place.host.split('.')))}.evercard.{self.login}"
        account = {
            "PayloadType": "com.apple.carddav.account",
            "PayloadVersion": 1,
            "PayloadIdentifier": f"{identifier}.carddav",
            "PayloadUUID": self._uuid("carddav"),
            "PayloadDisplayName": title,
            "CardDAVAccountDescription": title,
            "CardDAVHostName": self.place.host,
            "CardDAVPort": self.place.port,
            "CardDAVUseSSL": self.place.is_secure,
            "CardDAVPrincipalURL": self.principal,
            "CardDAVUsername": self.login,
            "CardDAVPassword": self.password,
        }
        return plistlib.dumps(
            {
                "PayloadType": "Configuration",
                "PayloadVersion": 1,
                "PayloadIdentifier": identifier,
                "PayloadUUID": self._uuid("profile"),
                "PayloadDisplayName": title,
                "PayloadOrganization": self.place.host,
                "PayloadRemovalDisallowed": False,
                "PayloadContent": [account],
            },
            sort_keys=False,
        )

    def _uuid(self, what: str) -> str:
        name = f"{self.place.base_url}/{self.login}/{self.device_id:x}/{what}"
        return str(uuid.uuid5(uuid.NAMESPACE_URL, name)).upper()


def picture_of(text: str) -> str:
    """Return a QR code as the address of a picture, which is all in the address."""
    # Black on white in any case: a phone's camera does not know of dark mode.
    code = segno.make(text, error="m", micro=False)
    return str(code.svg_data_uri(scale=6, border=4, light="white"))
