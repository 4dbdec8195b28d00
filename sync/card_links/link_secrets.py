"""What opens a card link: the token in its address, and a login and a password for programs that follow the card."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
from typing import NamedTuple

from itsdangerous import BadSignature, Signer
from sqlalchemy.orm import Session

from sync.database.server_keys import key_for

#: What logins of links begin with. No person's does, so the two are never taken for each other.
PREFIX = "_"
#: Two ids of 63 bits.
_IDS = struct.Struct(">qq")
_LOGIN = re.compile(rf"{PREFIX}([a-z2-7]{{26}})", re.ASCII)
_GROUP = 4
_READABLE = str.maketrans("", "", "- ")

#: The owner's id and the link's.
Ids = tuple[int, int]


class LinkKeys(NamedTuple):
    """The keys that the secrets of all links follow from."""

    token: bytes
    password: bytes

    @classmethod
    def of(cls, session: Session) -> LinkKeys:
        """Read them. Needs the right to write the first time that this server is used."""
        return cls(key_for(session, "card link"), key_for(session, "card link password"))

    def token_for(self, ids: Ids) -> str:
        """Return what the address of a link carries."""
        return self._signer().sign(base64.urlsafe_b64encode(_IDS.pack(*ids)).rstrip(b"=")).decode()

    def ids_in(self, token: str) -> Ids | None:
        """Return which link a token opens, None for one that was made up."""
        try:
            owner_id, link_id = _IDS.unpack(base64.urlsafe_b64decode(self._signer().unsign(token) + b"=="))
        except (BadSignature, UnicodeError, ValueError, struct.error):
            return None
        return owner_id, link_id

    def password_for(self, ids: Ids) -> str:
        """Return the password with which programs follow the card of a link."""
        text = _base32(hashlib.blake2b(_IDS.pack(*ids), key=self.password, digest_size=15).digest())
        return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))

    def is_password(self, ids: Ids, password: str) -> bool:
        """Whether this is the password of a link, however it is divided."""
        wanted, given = self.password_for(ids).translate(_READABLE), password.translate(_READABLE).lower()
        return hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace"))

    def _signer(self) -> Signer:
        return Signer(self.token, salt="evercard/card-link")


def login_for(ids: Ids) -> str:
    """Return the login with which programs follow the card of a link."""
    return PREFIX + _base32(_IDS.pack(*ids))


def ids_of_login(login: str) -> Ids | None:
    """Return which link a login is of, None for one that is of no link."""
    found = _LOGIN.fullmatch(login.strip().lower())
    if found is None:
        return None
    octets = base64.b32decode(found[1].upper() + "======")
    owner_id, link_id = _IDS.unpack(octets)
    # The last letter has more bits than are needed: one spelling only.
    return (owner_id, link_id) if login_for((owner_id, link_id)) == found[0] else None


def _base32(octets: bytes) -> str:
    return base64.b32encode(octets).decode().rstrip("=").lower()
