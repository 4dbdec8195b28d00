"""What can end by itself, and when it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement

from sync.errors import InvalidInput
from sync.models import Ending

GROUP, GRANT, EXCEPTION, CONNECTION = "group", "grant", "exception", "connection"
_KINDS = {
    (True, False, False): GROUP,
    (True, False, True): GRANT,
    (False, True, True): EXCEPTION,
    (False, True, False): CONNECTION,
}


@dataclass(frozen=True, slots=True)
class Target:
    """
    What ends: all that a group may see, or one field of it; the connection with a person, or one exception for them.

    Raises:
        InvalidInput: It is none of these.
    """

    group_id: int | None = None
    viewer_id: int | None = None
    field_id: int | None = None

    def __post_init__(self) -> None:
        """Make sure that there can be such a thing."""
        if self._named not in _KINDS:
            raise InvalidInput("Say what ends: a group, a field of a group, a person, or a field of a person.")

    @property
    def kind(self) -> str:
        """Which of the four it is."""
        return _KINDS[self._named]

    @property
    def _named(self) -> tuple[bool, bool, bool]:
        return self.group_id is not None, self.viewer_id is not None, self.field_id is not None

    def condition(self) -> tuple[ColumnElement[bool], ...]:
        """Return what finds the end of it among an owner's."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return tuple(
            column.is_(None) if values[column.key] is None else column == values[column.key]
            for column in (Ending.group_id, Ending.viewer_id, Ending.field_id)
        )


@dataclass(frozen=True, slots=True)
class End:
    """
    An end that was set: *at* in seconds since 1970, with the minutes by which its owner's clock is ahead of UTC then.

    *is_answered* says that the owner was asked and said that it shall end.
    """

    id: int
    target: Target
    at: int
    utc_offset: int
    is_answered: bool
