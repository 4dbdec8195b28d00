"""What is in a document that says something of a person (RFC 7643, 4.1), by the names that a configuration uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What is said of somebody and not kept: who they are here is our word, and a password is nobody's to send.
NOT_KEPT = frozenset({"id", "meta", "password", "groups"})
_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def text(document: Mapping[str, Any], path: str) -> str:
    """
    Return what an attribute says, or nothing.

    *path* is its name, such as ``displayName``; ``name.familyName`` is a part of one, ``phoneNumbers.work`` the value
    of that type, ``emails.primary`` the first one that is so called or the first of all, and ``enterprise.department``
    is of the extension for organisations.
    """
    name, _, part = path.partition(".")
    found = document.get(_ENTERPRISE if name == "enterprise" else name)
    if isinstance(found, list):
        return _of_several([each for each in found if isinstance(each, Mapping)], part)
    if part:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found.strip() if isinstance(found, str) else ""


def is_active(document: Mapping[str, Any]) -> bool:
    """Whether the person may come in, which they may where nothing is said of it."""
    return document.get("active") is not False


def language(document: Mapping[str, Any]) -> str:
    """Return the language of this server's that the person speaks."""
    spoken = document.get("preferredLanguage") or document.get("locale") or ""
    return "zh-Hans" if str(spoken).lower().startswith("zh") else "en"


def _of_several(values: list[Mapping[str, Any]], part: str) -> str:
    if part in ("", "primary"):
        chosen = [each for each in values if each.get("primary") is True] or values
    else:
        chosen = [each for each in values if str(each.get("type", "")).lower() == part.lower()]
    found = chosen[0].get("value") if chosen else None
    return found.strip() if isinstance(found, str) else ""
