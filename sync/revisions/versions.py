"""
Earlier versions of what a person's devices wrote: their private entries, and what they added to other people's cards.

Some clients overwrite and delete without looking (client facts T-7, E-1), so what they replace is kept for a while. A
person has a budget for it. Where it is used up, versions are thinned out: of each entry the last version stays for
longest, and of those before it the fewer the older they are.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Insert,
    LargeBinary,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from sync.database.engine import settings_of
from sync.database.prepared import execute, later
from sync.database.upserts import insert_into
from sync.errors import NotFound
from sync.models import NOT_KEPT, Base, DeviceCopy, Entry, EntryVersion, now

#: A version that is kept, after the entry that it is of.
KeptVersion: TypeAlias = tuple[Entry, EntryVersion]
_DAY = 86_400
#: What an overlay was before there was one: it is kept to be compared with, and nobody needs it back.
NOTHING = b"[]"
#: How full the budget is after versions were thinned out, so that this is not done with every change.
_AFTERWARDS = 0.9


@dataclass(frozen=True, slots=True)
class Kept:
    """One version, without what it says."""

    entry_id: int
    revision: int
    replaced_at: int
    size: int


class Versioned(Protocol):
    """An entry as far as it matters to what is kept of it."""

    @property
    def viewer_id(self) -> int:
        """Whose it is."""

    @property
    def id(self) -> int:
        """Which of theirs."""

    @property
    def book_id(self) -> int:
        """In which of their address books."""

    @property
    def revision(self) -> int:
        """When it became what it was until now."""


def keep(session: Session, entry: Versioned, content: bytes) -> None:
    """
    Keep what an entry had until now, and let go of what is older than the settings say.

    *content* is the bytes of a private entry, or the text form of an overlay in UTF-8.
    """
    at, settings, mine = now(), settings_of(session), {"viewer": entry.viewer_id}
    days, limits = settings.keep_versions_days, settings.limits
    before = at - days * _DAY
    number, used, oldest, raised = (execute(session, _KNOWN, mine) or execute(session, _COUNTED, mine))[0]
    if oldest is not None and oldest < before:
        too_old = execute(session, _TOO_OLD, {**mine, "before": before})
        _forget(session, entry.viewer_id, [Kept(*row) for row in too_old])
        ((number, used, oldest, raised),) = execute(session, _COUNTED, mine)
    if days:
        later(session, _KEEP, {**mine, "entry": entry.id, "at": entry.revision, "now": at, "content": content})
        # Whoever keeps something raises the revision of the entry's book by one.
        total = {"raised": int(raised) + 1, "number": number + 1, "size": used + len(content), "oldest": oldest or at}
        noted = {f"new_{name}": value for name, value in total.items()}
        later(session, _noting(session.get_bind().dialect.name), {**mine, "book": entry.book_id, **noted})
    if number >= limits.versions or used + len(content) > limits.versions_size:
        thin_out(session, entry.viewer_id)


def thin_out(session: Session, viewer_id: int) -> None:
    """Let go of versions of a person's until what is kept fits into the budget."""
    limits = settings_of(session).limits
    count_anew(session, viewer_id)
    mine = EntryVersion.viewer_id == viewer_id
    size = func.length(EntryVersion.content)
    number, used = session.execute(select(func.count(), func.coalesce(func.sum(size), 0)).where(mine)).one()
    if number <= limits.versions and used <= limits.versions_size:
        return
    gone = superfluous(
        _kept(session, mine), int(limits.versions * _AFTERWARDS), int(limits.versions_size * _AFTERWARDS)
    )
    _forget(session, viewer_id, gone)


def superfluous(kept: Iterable[Kept], number: int, size: int) -> list[Kept]:
    """
    Return which of the versions go so that *number* of them remain, of *size* octets together.

    *kept* has those of one entry together, the newest first.
    """
    entries = [list(group) for _, group in groupby(kept, lambda each: each.entry_id)]
    count, used = sum(map(len, entries)), sum(each.size for versions in entries for each in versions)
    gone: list[Kept] = []
    while count > number or used > size:
        # Every second one of an entry's, but not its last; where each has one only, any.
        offered = [each for versions in entries for each in versions[1::2]] or [each for (each,) in entries]
        going = set[Kept]()
        for each in sorted(offered, key=lambda each: each.replaced_at):
            if count <= number and used <= size:
                break
            going.add(each)
            count, used = count - 1, used - each.size
        gone += going
        entries = [left for versions in entries if (left := [each for each in versions if each not in going])]
    return gone


def of_person(session: Session, viewer_id: int, *, count: int | None = None, offset: int = 0) -> Sequence[KeptVersion]:
    """
    Return the versions that are kept of a person's entries, with their entries, the last that was replaced first.

    *count* of them after *offset*; all without *count*.
    """
    newest_first = (EntryVersion.replaced_at.desc(), EntryVersion.revision.desc(), EntryVersion.entry_id)
    chosen = _KEPT.where(Entry.viewer_id == viewer_id, EntryVersion.content != NOTHING).order_by(*newest_first)
    if count is not None:
        chosen = chosen.limit(count).offset(offset)
    return [(entry, version) for entry, version in session.execute(chosen)]


def find(session: Session, viewer_id: int, entry_id: int, revision: int) -> KeptVersion:
    """
    Return one version that is kept of a person's entry, with its entry.

    Raises:
        NotFound: Nothing of that revision is kept.
    """
    chosen = _KEPT.where(Entry.viewer_id == viewer_id, Entry.id == entry_id, EntryVersion.revision == revision)
    for entry, version in session.execute(chosen):
        return entry, version
    raise NotFound("No such version of an entry is kept.")


def miscounted(session: Session, first: int, last: int) -> list[int]:
    """Return for whom with an id from *first* to *last* there are more, or larger, versions than is known."""
    return [row[0] for row in execute(session, _MISCOUNTED, {"first": first, "last": last})]


def count_anew(session: Session, viewer_id: int) -> None:
    """Forget how many versions of a person's there are, for them to be counted when the next is kept."""
    later(session, _COUNT_ANEW, {"viewer": viewer_id})


def _kept(session: Session, *conditions: ColumnElement[bool]) -> list[Kept]:
    """Return what is kept, the versions of one entry together, the newest first."""
    columns = (
        EntryVersion.entry_id,
        EntryVersion.revision,
        EntryVersion.replaced_at,
        func.length(EntryVersion.content),
    )
    newest_first = (EntryVersion.entry_id, EntryVersion.replaced_at.desc(), EntryVersion.revision.desc())
    return [Kept(*row) for row in session.execute(select(*columns).where(*conditions).order_by(*newest_first))]


def _forget(session: Session, viewer_id: int, gone: Sequence[Kept]) -> None:
    """Let versions go; of a device that has one of them it is noted that what it has is not kept."""
    keys = [
        {"viewer": viewer_id, "entry": each.entry_id, "at": each.revision, "since": each.replaced_at} for each in gone
    ]
    # What every device has is told by all versions, so none of them may be gone yet.
    for statement in (_NOT_KEPT, _NEVER_NOTED, _FORGET) if keys else ():
        session.connection().execute(statement, keys)
    count_anew(session, viewer_id)


def has_past(entry: type[Entry]) -> ColumnElement[bool]:
    """Whether something is kept of an entry that the person's devices wrote before, or was until one had it last."""
    version = (EntryVersion.viewer_id == entry.viewer_id) & (EntryVersion.entry_id == entry.id)
    copy = (DeviceCopy.viewer_id == entry.viewer_id) & (DeviceCopy.entry_id == entry.id)
    return or_(exists().where(version), exists().where(copy, DeviceCopy.revision == NOT_KEPT))


_KEPT = select(Entry, EntryVersion).join(
    EntryVersion, (EntryVersion.viewer_id == Entry.viewer_id) & (EntryVersion.entry_id == Entry.id)
)
_VERSIONS = Base.metadata.tables["entry_version"]
_MINE = _VERSIONS.c.viewer_id == bindparam("viewer")
_COPIES, _DEVICES = Base.metadata.tables["device_copy"], Base.metadata.tables["device"]
_NOT_KEPT = (
    update(_COPIES)
    .where(
        _COPIES.c.viewer_id == bindparam("viewer"),
        _COPIES.c.entry_id == bindparam("entry"),
        _COPIES.c.sent.is_(None),
        _COPIES.c.revision <= bindparam("at"),
        ~exists().where(
            _MINE,
            _VERSIONS.c.entry_id == _COPIES.c.entry_id,
            _VERSIONS.c.revision >= _COPIES.c.revision,
            _VERSIONS.c.revision < bindparam("at"),
        ),
    )
    .values(revision=NOT_KEPT)
)
# A device that was handed an entry before it had a past has the first version that was replaced in its time.
_NEVER_NOTED = insert(_COPIES).from_select(
    ["viewer_id", "device_id", "entry_id", "revision"],
    select(
        _DEVICES.c.viewer_id, _DEVICES.c.id, bindparam("entry", type_=BigInteger), literal(NOT_KEPT, BigInteger)
    ).where(
        _DEVICES.c.viewer_id == bindparam("viewer"),
        _DEVICES.c.created_at <= bindparam("since"),
        ~exists().where(
            _MINE,
            _VERSIONS.c.entry_id == bindparam("entry"),
            _VERSIONS.c.replaced_at >= _DEVICES.c.created_at,
            _VERSIONS.c.revision < bindparam("at"),
        ),
        ~exists().where(
            _COPIES.c.viewer_id == bindparam("viewer"),
            _COPIES.c.device_id == _DEVICES.c.id,
            _COPIES.c.entry_id == bindparam("entry"),
        ),
    ),
)
_THIS = (_MINE, _VERSIONS.c.entry_id == bindparam("entry"), _VERSIONS.c.revision == bindparam("at"))
_FORGET = delete(_VERSIONS).where(*_THIS)
_COLUMNS = (_VERSIONS.c.entry_id, _VERSIONS.c.revision, _VERSIONS.c.replaced_at, func.length(_VERSIONS.c.content))
_BOOKS, _TOTALS = Base.metadata.tables["address_book"], Base.metadata.tables["version_total"]
_RAISED = select(func.sum(_BOOKS.c.revision)).where(_BOOKS.c.viewer_id == bindparam("viewer")).scalar_subquery()
_MY_TOTALS = _TOTALS.c.viewer_id == bindparam("viewer")
_KNOWN = select(_TOTALS.c.number, _TOTALS.c.size, _TOTALS.c.oldest, _TOTALS.c.raised).where(
    _MY_TOTALS, _TOTALS.c.raised == _RAISED
)
_SIZE = func.coalesce(func.sum(func.length(_VERSIONS.c.content)), 0)
_COUNTED = select(func.count(), _SIZE, func.min(_VERSIONS.c.replaced_at), _RAISED).where(_MINE)
_THEIRS = _VERSIONS.c.viewer_id == _TOTALS.c.viewer_id
_MISCOUNTED = (
    select(_TOTALS.c.viewer_id)
    .where(
        _TOTALS.c.viewer_id.between(bindparam("first"), bindparam("last")),
        _TOTALS.c.raised
        == select(func.sum(_BOOKS.c.revision)).where(_BOOKS.c.viewer_id == _TOTALS.c.viewer_id).scalar_subquery(),
        (_TOTALS.c.number < select(func.count()).where(_THEIRS).scalar_subquery())
        | (_TOTALS.c.size < select(_SIZE).where(_THEIRS).scalar_subquery()),
    )
    .distinct()
)
_COUNT_ANEW = delete(_TOTALS).where(_MY_TOTALS)
_TOO_OLD = select(*_COLUMNS).where(_MINE, _VERSIONS.c.replaced_at < bindparam("before"))
# Of several changes in one transaction the first had what was there before.
_KEEP = insert(_VERSIONS).from_select(
    ["viewer_id", "entry_id", "revision", "replaced_at", "content"],
    select(
        *(bindparam(name, type_=BigInteger) for name in ("viewer", "entry", "at", "now")),
        bindparam("content", type_=LargeBinary),
    ).where(~exists().where(*_THIS)),
)


@functools.cache
def _noting(dialect: str) -> Insert:
    said: dict[str, Any] = {name: bindparam(f"new_{name}") for name in ("raised", "number", "size", "oldest")}
    made = insert_into(dialect, _TOTALS).values(viewer_id=bindparam("viewer"), book_id=bindparam("book"), **said)
    noting: Insert = made.on_conflict_do_update(index_elements=_TOTALS.primary_key.columns, set_=said)
    return noting
