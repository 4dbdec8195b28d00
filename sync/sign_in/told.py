"""What the provider of an organisation says of somebody, whoever asks it and however."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Told:
    """What the provider says: *subject* is the person for ever, *claims* all of it; and what to ask with later."""

    subject: str
    claims: Mapping[str, Any]
    refresh_token: str | None = None

    def text(self, claim: str) -> str:
        """Return a claim that is a text, else nothing."""
        found = self.claims.get(claim)
        return found.strip() if isinstance(found, str) else ""


class Gone(Exception):
    """The provider knows the person no more, or does not let them in."""
