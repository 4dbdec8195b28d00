"""
Names of entries that have no row yet: those of the members of an organisation whom a person never touched.

Such a name is the ids of owner and viewer, encrypted with a key of the viewer's address book. So it stays the same for
ever, it is read back without a search, and two members cannot tell by it that they have the same person. It is the UID
of the vCard as well.
"""

from __future__ import annotations

import secrets
import uuid

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_SUFFIX = ".vcf"
_HALF = 8


def new_key() -> bytes:
    """Return a random key for an address book."""
    return secrets.token_bytes(16)


def uid_for(key: bytes, viewer_id: int, owner_id: int) -> str:
    """Return the UID of the viewer's entry of an owner."""
    block = owner_id.to_bytes(_HALF, "big") + viewer_id.to_bytes(_HALF, "big")
    return str(uuid.UUID(bytes=_cipher(key).encryptor().update(block)))


def href_for(uid: str) -> str:
    """Return the name of the entry with this UID."""
    return f"{uid}{_SUFFIX}"


def owner_named(key: bytes | None, viewer_id: int, href: str) -> int | None:
    """Return the owner whose entry in the viewer's address book has this name, or had; None where it is nobody's."""
    return owner_with(key, viewer_id, href.removesuffix(_SUFFIX)) if href.endswith(_SUFFIX) else None


def owner_with(key: bytes | None, viewer_id: int, uid: str) -> int | None:
    """Return the owner whose entry in the viewer's address book has this UID, or had; None where it is nobody's."""
    try:
        sealed = uuid.UUID(uid)
    except ValueError:
        return None
    if key is None or str(sealed) != uid:
        return None
    block = _cipher(key).decryptor().update(sealed.bytes)
    return int.from_bytes(block[:_HALF], "big") if block[_HALF:] == viewer_id.to_bytes(_HALF, "big") else None


def _cipher(key: bytes) -> Cipher[modes.CBC]:
    # One block only, each time, so there is nothing that a vector would have to keep apart.
    return Cipher(algorithms.AES(key), modes.CBC(bytes(16)))
