"""Hashes of what people choose themselves, and so can be guessed: slow on purpose (argon2id)."""

from __future__ import annotations

import functools
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argon2


def make(text: str) -> str:
    """Return the hash of *text*, with a salt of its own."""
    return _hasher().hash(text.encode("utf-8", "surrogatepass"))


def fits(stored: str | None, text: str) -> bool:
    """Whether *stored* is a hash of *text*. Without one nothing fits, and finding that out takes as long."""
    from argon2 import exceptions

    # Made in any case, so that the first who asks learns nothing by how long it takes.
    nobody = nobodys()
    try:
        _hasher().verify(stored or nobody, text.encode("utf-8", "surrogatepass"))
    except (exceptions.VerificationError, exceptions.InvalidHashError):
        return False
    return stored is not None


@functools.cache
def nobodys() -> str:
    """Return the hash of a text that nobody knows."""
    return make(secrets.token_urlsafe(32))


@functools.cache
def _hasher() -> argon2.PasswordHasher:
    # Most processes of a server never see a password, and this takes a while to load.
    import argon2

    return argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
