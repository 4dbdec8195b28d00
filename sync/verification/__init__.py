"""
Verification: whether the database is what the rest of the engine takes for granted.

Every finding is one broken promise. The most important is asked of every card: that its stored text is what the
profile and the grants say now, so that nobody holds a field that was not granted to them. Nothing is changed, but by
`repair`.

People are looked at page by page, each in a snapshot of its own that is over in a moment: while a server runs, nobody
waits for it, and what changes in between is seen before or after, but never by half. Each page is read by a statement
or two for each table, however many people are on it.

It stands above every other room of the engine and may import them all; none may import it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import ForeignKeyConstraint, Table, and_, exists, func, select, text
from sqlalchemy.orm import Session
from typing_extensions import override

from sync.database.distribution import buckets_of
from sync.database.engine import Database, among
from sync.database.migrations import differences
from sync.disclosure.disclosure_thinning import THINNING
from sync.models import NOBODY, ROSTER, SHARED_BOOK, Account, Base, Job, LoginName, NextEnd
from sync.revisions import versions
from sync.revisions.fan_out import FAN_OUT
from sync.revisions.shared_fields import HOUSEHOLD
from sync.sign_in.deletion import LEAVING, unfinished
from sync.verification import (
    connected,
    ends,
    household,
    late,
    links,
    lists,
    meeting,
    organisations,
    owners,
    past,
    pictures,
    shared_books,
    viewers,
)
from sync.verification.reading import CHUNK, page_after

#: Kinds of jobs that the worker does.
JOBS = (FAN_OUT, HOUSEHOLD, LEAVING, ROSTER, SHARED_BOOK, THINNING)
#: Those that name somebody only to leave them out, whose account may be gone before they are done.
_OUTLIVING = (ROSTER, SHARED_BOOK)
#: People on one page.
PAGE = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: *problem* says what, and *login* with whom; it is empty where it is nobody's."""

    login: str
    problem: str

    @override
    def __str__(self) -> str:
        """On one line."""
        return f"{self.login}: {self.problem}" if self.login else self.problem


@dataclass(frozen=True, slots=True)
class Checked:
    """How far it has come: *count* more people, up to the one of this *id*; what is wrong with them are *findings*."""

    id: int
    count: int
    findings: Sequence[Finding]


def size(session: Session, after: int = 0) -> int:
    """Count the people that will be checked, with ids behind *after*."""
    return session.scalars(select(func.count()).select_from(Account).where(Account.id > after)).one()


def findings(session: Session, progress: Callable[[int], object] = lambda _: None) -> Iterator[Finding]:
    """
    Check everything in one state of the database, which *session* must see, and yield what is wrong as it is found.

    *progress* is called with the number of people that were checked since it was called last.
    """
    for check in CHECKS_OF_ALL:
        yield from (Finding("", problem) for problem in check(session))
    checked = page(session, 0)
    while checked is not None:
        yield from checked.findings
        progress(checked.count)
        checked = page(session, checked.id)


def in_pages(database: Database, after: int = 0) -> Iterator[Checked]:
    """
    Check everything, a moment at a time, and yield what was found in each.

    With *after*, an id that was reached, go on behind it; what is not about one person is then left out.
    """
    for check in () if after else CHECKS_OF_ALL:
        with database.reading() as session:
            checked = Checked(0, 0, [Finding("", problem) for problem in check(session)])
        yield checked
    found: Checked | None = Checked(after, 0, [])
    while found is not None:
        with database.reading() as session:
            found = page(session, found.id)
        if found is not None:
            yield found


def page(session: Session, after: int, count: int = PAGE) -> Checked | None:
    """Check the next *count* people behind the id *after*; None where there is nobody."""
    people = page_after(session, after, count)
    if not people.logins:
        return None
    found = [(account_id, problem) for check in _CHECKS for account_id, problem in check(people)]
    place = {account_id: number for number, account_id in enumerate(people.logins)}
    found.sort(key=lambda each: place[each[0]])
    told = [Finding(people.logins[account_id], problem) for account_id, problem in found]
    return Checked(max(people.logins), len(people.logins), told)


def repair(database: Database) -> int:
    """Mend what mends itself nowhere else: let go what waits for a change that never comes; how much that was."""
    with database.reading() as session:
        late_members = late.members(session)
    done = sum(database.write(partial(late.let_go_of_member, late=each)) for each in late_members)
    last = 0
    while True:
        with database.reading() as session:
            people = page_after(session, last, PAGE)
            if not people.logins:
                return done
            first, last = min(people.logins), max(people.logins)
            entries = late.entries(session, first, last)
            miscounted = versions.miscounted(session, first, last)
        done += sum(database.write(partial(late.let_go_of_entry, late=each)) for each in entries)
        for viewer_id in miscounted:
            database.write(partial(versions.count_anew, viewer_id=viewer_id))


def _file(session: Session) -> Iterator[str]:
    if session.get_bind().dialect.name == "sqlite":
        for (line,) in session.execute(text("PRAGMA integrity_check")):
            if line != "ok":
                yield f"The database file is damaged: {line}"


def _schema(session: Session) -> Iterator[str]:
    if found := differences(session.connection()):
        yield f"The tables differ from those of this version of Evercard in {len(found)} places."


def _orphans(table: Table, key: ForeignKeyConstraint) -> Callable[[Session], Iterator[str]]:
    parent = key.referred_table
    match = and_(*(element.parent == element.column for element in key.elements))
    # A key of which some column is absent names no row.
    named = [element.parent.is_not(None) for element in key.elements if element.parent.nullable]
    orphaned = (*named, ~exists().select_from(parent).where(match))
    statement = select(func.count()).select_from(table).where(*orphaned)

    def check(session: Session) -> Iterator[str]:
        if count := session.scalars(statement).one():
            yield f"{count} rows of {table.name} belong to no row of {parent.name}."

    return check


def _claims(session: Session) -> Iterator[str]:
    claims = session.scalars(select(LoginName.account_id).where(LoginName.account_id != NOBODY))
    yield from _unknown(session, "login_name", claims.partitions(CHUNK))


def _unknown(session: Session, table: str, pages: Iterable[Sequence[int]]) -> Iterator[str]:
    lost = 0
    for page in pages:
        known = session.scalars(select(Account.id).where(among(session, Account.id, page))).all()
        lost += len(set(page) - set(known))
    if lost:
        yield f"{lost} rows of {table} belong to no row of account."


def _outbox(session: Session) -> Iterator[str]:
    for kind in session.scalars(select(Job.kind).where(Job.kind.not_in(JOBS)).distinct()):
        yield f"The outbox holds jobs of the kind {kind!r}, which nobody does."
    for model in (Job, NextEnd):
        elsewhere = select(func.count()).select_from(model).where(model.bucket.not_in(buckets_of(session).numbers))
        if count := session.scalars(elsewhere).one():
            yield f"{count} rows of {model.__tablename__} are where nobody looks for what there is to do."
    for login in unfinished(session):
        yield f"The account {login} is being deleted, which is not finished; `evercard serve` goes on with it."
    asked = select(Job.owner_id).where(Job.kind.not_in(_OUTLIVING))
    yield from _unknown(session, "job", session.scalars(asked).partitions(CHUNK))


#: What is not about one person.
CHECKS_OF_ALL: tuple[Callable[[Session], Iterator[str]], ...] = (
    _file,
    _schema,
    *(_orphans(table, key) for table in Base.metadata.sorted_tables for key in table.foreign_key_constraints),
    _claims,
    _outbox,
    meeting.directory,
    organisations.rosters,
    shared_books.belongings,
    shared_books.contents,
)
_CHECKS = (
    owners.accounts_of,
    owners.cards_of,
    connected.connections_of,
    ends.ends_of,
    household.shared_of,
    household.carried_of,
    household.owed_of,
    links.links_of,
    past.history_of,
    past.shown_to,
    past.audiences_of,
    pictures.pictures_of,
    viewers.accounts_of,
    viewers.versions_of,
    viewers.entries_of,
    viewers.late_of,
    lists.lists_of,
    meeting.listing_of,
    connected.between,
    organisations.memberships_of,
    organisations.blocks_of,
)
