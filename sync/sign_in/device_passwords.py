"""
What a device password looks like, and how it is proved: 30 bits that name the device and 130 that prove it.

It follows from a *seed* that whoever asks for it keeps to themselves, and from a key of this server. So a form that is
sent again leads to the password that it made, and it is stored nowhere but as a hash.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

#: No letter that is mistaken for another when it is typed from a screen.
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_ID_LENGTH = 6
_LENGTH = 32
_GROUP = 4
_DIGITS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_READABLE = str.maketrans("", "", "- ")
#: Names the key by which passwords follow from seeds.
PURPOSE = "device password"


class Proof(NamedTuple):
    """Which device a password is of, and what proves it."""

    device_id: int
    secret: str

    @classmethod
    def read(cls, password: str) -> Proof | None:
        """Return what a password says, None where it cannot be one."""
        text = password.translate(_READABLE).lower()
        # All of it is of the alphabet where nothing is left of it without that at its ends.
        if len(text) != _LENGTH or text.strip(_ALPHABET):
            return None
        return cls(int(text[:_ID_LENGTH].translate(_DIGITS), 32), text[_ID_LENGTH:])

    def digest(self, key: bytes, account_id: int) -> bytes:
        """Return what is stored of it."""
        message = f"{account_id}/{self.device_id}/{self.secret}"
        return hashlib.blake2b(message.encode(), key=key, digest_size=32).digest()


def made_of(seed: str, account_id: int, number: int, key: bytes) -> tuple[str, Proof]:
    """Return the password, and its proof, that follow from a seed; each *number* has one of its own."""
    message = f"{account_id}/{number}/{seed}".encode("utf-8", "replace")
    # One letter for each octet: there are 32 letters, so each of them is as likely.
    digest = hashlib.blake2b(message, key=key, digest_size=_LENGTH).digest()
    text = "".join(_ALPHABET[octet % len(_ALPHABET)] for octet in digest)
    proof = Proof(int(text[:_ID_LENGTH].translate(_DIGITS), 32), text[_ID_LENGTH:])
    return "-".join(text[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP)), proof
