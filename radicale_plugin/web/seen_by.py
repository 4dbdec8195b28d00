"""Who sees which field of one's own card: groups, and single people as exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from radicale_plugin.web.audiences import Audience, audiences
from sync.database import accounts
from sync.database.engine import Session
from sync.sharing import grants, groups
from sync.sharing.visibility import grants_of


@dataclass(frozen=True, slots=True)
class Word:
    """A word about who sees something. *kind* is "open" for strangers, "all" for all connections."""

    text: str
    kind: str = ""


class SeenBy:
    """The groups and exceptions of one person."""

    def __init__(self, session: Session, owner_id: int) -> None:
        """Read them."""
        self.groups: list[Audience] = audiences(groups.groups_of(session, owner_id))
        self._granted = grants_of(session, owner_id)
        self._exceptions = grants.exceptions_of(session, owner_id)
        self._logins: Mapping[int, str] = accounts.logins(session, self._exceptions)

    def words(self, field_id: int) -> list[Word]:
        """Return the words about who sees a field; where strangers or all connections do, no group is worth a word."""
        ticked = self.ticked(field_id)
        for group in self.groups:
            if group.is_built_in and not group.is_organisation and group.id in ticked:
                return [Word(group.title, "open" if group.is_everybody else "all")]
        named = [Word(group.title) for group in self.groups if group.id in ticked]
        return [*named, *(Word(login) for login in self.people(field_id, allowed=True))]

    def ticked(self, field_id: int) -> set[int]:
        """Return the ids of the groups that were given a field."""
        return {group.id for group in self.groups if field_id in self._fields(group)}

    def people(self, field_id: int, *, allowed: bool) -> list[str]:
        """Return the logins of those for whom there is an exception."""
        return sorted(
            self._logins.get(viewer_id, "")
            for viewer_id, fields in self._exceptions.items()
            if fields.get(field_id) is allowed
        )

    def _fields(self, group: Audience) -> frozenset[int]:
        return self._granted.by_group.get(group.id, frozenset())
