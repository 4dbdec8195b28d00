"""Hashes of what people choose themselves, and so can be guessed: slow on purpose (argon2id)."""

from __future__ import annotations

import secrets

import argon2

_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def make(text: str) -> str:
    """Return the hash of *text*, with a salt of its own."""
    return _HASHER.hash(text.encode("utf-8", "surrogatepass"))


def fits(stored: str | None, text: str) -> bool:
    """Whether *stored* is a hash of *text*. Without one nothing fits, and finding that out takes as long."""
    try:
        _HASHER.verify(stored or NOBODY, text.encode("utf-8", "surrogatepass"))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
    return stored is not None


#: The hash of a text that nobody knows.
NOBODY = _HASHER.hash(secrets.token_urlsafe(32))
