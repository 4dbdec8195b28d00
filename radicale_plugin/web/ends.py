"""What ends by itself, as pages say it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from babel.dates import format_date, format_time
from markupsafe import Markup

from radicale_plugin.web import language
from radicale_plugin.web.audiences import group_title
from radicale_plugin.web.field_display import shown
from radicale_plugin.web.ids import as_id
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.portal import Portal
from radicale_plugin.web.signed_in import database, visitor
from sync.database.engine import Session
from sync.ends import local_time, setting
from sync.ends.next_ends import DAY
from sync.ends.targets import CONNECTION, EXCEPTION, GRANT, GROUP, End, Target
from sync.errors import InvalidInput
from sync.queries import connected_people
from sync.sharing import grants, groups
from sync.sharing.cards import content_of
from sync.sharing.visibility import fields_of


@dataclass(frozen=True, slots=True)
class Named:
    """Something that can end, in words. *key* is how a form says it, and *end* its end where it has one."""

    key: str
    text: str
    end: End | None

    @property
    def is_asked(self) -> bool:
        """Whether its owner is to say whether it shall end."""
        return self.end is not None and not self.end.is_answered and self.end.at - time.time() < DAY


def install(portal: Portal) -> None:
    """Let templates say ``{{ end|until }}``, and ask ``ending()``."""
    portal.jinja_env.filters["until"] = until
    portal.jinja_env.globals["ending"] = ending


def until(end: End) -> Markup:
    """Say when something ends, by the clock of who set it."""
    return until_time(end.at, end.utc_offset)


def until_time(at: int, utc_offset: int) -> Markup:
    """Say until when something is, by a clock that is ahead of UTC by so many minutes then."""
    there = local_time.local(at, utc_offset)
    tag = language.locale()
    # With the name of the month: 11/12 is another day on each side of the ocean.
    day, clock = format_date(there, "medium", locale=tag), format_time(there, "short", locale=tag)
    said = _("until %(time)s", time=str(tag.datetime_formats["medium"]).format(clock, day))
    return Markup('<time title="{}">{}</time>').format(local_time.said(at, utc_offset), said)


def ending() -> int:
    """Return how much of what the person shares ends within a day, unless they said that it shall."""
    found = visitor()
    if found is None:
        return 0
    with database().reading() as session:
        soon = setting.ends_of(session, found.account_id, until=int(time.time()) + DAY)
    return sum(not end.is_answered for end in soon)


def key_of(target: Target) -> str:
    """Write down what ends, for a form."""
    ids = (target.group_id, target.viewer_id, target.field_id)
    return "-".join([target.kind, *(str(number) for number in ids if number is not None)])


def target_of(key: str) -> Target:
    """
    Read what `key_of` wrote.

    Raises:
        InvalidInput: It is nothing of the kind.
    """
    kind, *written = key.split("-")
    names, ids = _PARTS.get(kind, ()), [as_id(text) for text in written]
    if not names or len(names) != len(ids) or None in ids:
        raise InvalidInput("Say what ends: a group, a field of a group, a person, or a field of a person.")
    return Target(**dict(zip(names, ids, strict=True)))


def of_owner(session: Session, owner_id: int) -> list[Named]:
    """Return what of an owner's ends, the soonest first."""
    ends = setting.ends_of(session, owner_id)
    words = _Words(session, owner_id, [end.target.viewer_id for end in ends if end.target.viewer_id is not None])
    return [Named(key_of(end.target), words.of(end.target), end) for end in ends]


def offered(session: Session, owner_id: int, viewer_id: int | None, group_id: int | None) -> list[Named]:
    """Return what could end: of a person, where one is named, or else of a group, or of all groups."""
    ends = {end.target: end for end in setting.ends_of(session, owner_id)}
    words = _Words(session, owner_id, [viewer_id] if viewer_id is not None else [])
    if viewer_id is not None:
        excepted = grants.exceptions_of(session, owner_id, [viewer_id]).get(viewer_id, {})
        allowed = [field_id for field_id, is_shown in excepted.items() if is_shown]
        targets = [Target(viewer_id=viewer_id), *(Target(viewer_id=viewer_id, field_id=each) for each in allowed)]
    else:
        targets = _of_groups(session, owner_id, group_id)
    return [Named(key_of(target), words.of(target), ends.get(target)) for target in targets]


def _of_groups(session: Session, owner_id: int, group_id: int | None) -> list[Target]:
    found = list[Target]()
    for group in groups.groups_of(session, owner_id):
        if group_id in (None, group.id):
            whole = [Target(group_id=group.id)] if group.kind == GROUP else []
            granted = sorted(grants.granted(session, owner_id, group.id))
            found += [*whole, *(Target(group_id=group.id, field_id=field_id) for field_id in granted)]
    return found


class _Words:
    """Says what ends."""

    def __init__(self, session: Session, owner_id: int, people: Sequence[int]) -> None:
        """Learn what there is of an owner's, and what these people are called."""
        self._groups = {group.id: group_title(group) for group in groups.groups_of(session, owner_id)}
        self._fields = {field.id: shown(content_of(field)).title for field in fields_of(session, owner_id)}
        self._people = {key: each.name for key, each in connected_people.some(session, owner_id, people).items()}

    def of(self, target: Target) -> str:
        """Return it in words."""
        group, field = self._groups.get(target.group_id or 0, ""), self._fields.get(target.field_id or 0, "")
        name = self._people.get(target.viewer_id or 0, "")
        said: Mapping[str, str] = {
            GROUP: _("All that %(group)s sees", group=group),
            GRANT: _("%(field)s for %(group)s", field=field, group=group),
            EXCEPTION: _("%(field)s for %(name)s alone", field=field, name=name),
            CONNECTION: _("The connection with %(name)s", name=name),
        }
        return said[target.kind]


_PARTS = {
    GROUP: ("group_id",),
    GRANT: ("group_id", "field_id"),
    EXCEPTION: ("viewer_id", "field_id"),
    CONNECTION: ("viewer_id",),
}
