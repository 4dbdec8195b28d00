"""Radicale's rights plugin: everybody has their own principal and what is below it, and nothing else."""

from __future__ import annotations

from radicale.rights import BaseRights
from typing_extensions import override

from radicale_plugin.dav.paths import Kind, locate


class Rights(BaseRights):
    """Nothing at the level of a collection can be changed, whatever a client sends (security rule R3)."""

    @override
    def authorization(self, user: str, user_groups: set[str], path: str) -> str:
        location = locate(path)
        if not user or location is None:
            return ""
        if location.kind is Kind.ROOT:
            return "R"
        if location.login != user:
            return ""
        return {Kind.PRINCIPAL: "R", Kind.BOOK: "rwdo", Kind.ENTRY: ""}[location.kind]
