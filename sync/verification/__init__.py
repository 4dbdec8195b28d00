"""
Verification: whether the database is what the rest of the engine takes for granted.

Every finding is one broken promise. The most important is asked of every card: that its stored text is what the
profile and the grants say now, so that nobody holds a field that was not granted to them. Nothing is changed here.
It stands above every other room of the engine and may import them all; none may import it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, exists, func, select, text
from sqlalchemy.orm import Session
from typing_extensions import override

from sync.database.engine import among
from sync.database.migrations import differences
from sync.models import NOBODY, Account, Base, Job, LoginName
from sync.revisions.fan_out import FAN_OUT
from sync.sharing.disclosure_thinning import THINNING
from sync.sign_in.deletion import LEAVING, unfinished
from sync.verification import meeting, owners, past, viewers

#: People that one statement names.
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: *problem* says what, and *login* with whom; it is empty where it is nobody's."""

    login: str
    problem: str

    @override
    def __str__(self) -> str:
        """On one line."""
        return f"{self.login}: {self.problem}" if self.login else self.problem


def size(session: Session) -> int:
    """Count the people that `findings` will check."""
    return session.scalars(select(func.count()).select_from(Account)).one()


def findings(session: Session, progress: Callable[[int], object] = lambda _: None) -> Iterator[Finding]:
    """
    Check everything, and yield what is wrong as it is found.

    *session* must see one state of the database (`Database.reading`). *progress* is called with the number of people
    that were checked since it was called last.
    """
    for check in (_file, _schema, _orphans, _outbox, meeting.directory):
        for problem in check(session):
            yield Finding("", problem)
    after = 0
    while True:
        page = session.execute(
            select(Account.login, Account.id).where(Account.id > after).order_by(Account.id).limit(_PAGE)
        ).all()
        for login, account_id in page:
            for of_person in _CHECKS:
                for problem in of_person(session, account_id):
                    yield Finding(login, problem)
            progress(1)
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _file(session: Session) -> Iterator[str]:
    if session.get_bind().dialect.name == "sqlite":
        for (line,) in session.execute(text("PRAGMA integrity_check")):
            if line != "ok":
                yield f"The database file is damaged: {line}"


def _schema(session: Session) -> Iterator[str]:
    if found := differences(session.connection()):
        yield f"The tables differ from those of this version of Evercard in {len(found)} places."


def _orphans(session: Session) -> Iterator[str]:
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_key_constraints:
            parent = key.referred_table
            match = and_(*(element.parent == element.column for element in key.elements))
            statement = select(func.count()).select_from(table).where(~exists().select_from(parent).where(match))
            if count := session.scalars(statement).one():
                yield f"{count} rows of {table.name} belong to no row of {parent.name}."
    claims = session.scalars(select(LoginName.account_id).where(LoginName.account_id != NOBODY))
    yield from _unknown(session, "login_name", claims.partitions(_PAGE))


def _unknown(session: Session, table: str, pages: Iterable[Sequence[int]]) -> Iterator[str]:
    lost = 0
    for page in pages:
        known = session.scalars(select(Account.id).where(among(session, Account.id, page))).all()
        lost += len(set(page) - set(known))
    if lost:
        yield f"{lost} rows of {table} belong to no row of account."


def _outbox(session: Session) -> Iterator[str]:
    for kind in session.scalars(select(Job.kind).where(Job.kind.not_in((FAN_OUT, LEAVING, THINNING))).distinct()):
        yield f"The outbox holds jobs of the kind {kind!r}, which nobody does."
    for login in unfinished(session):
        yield f"The account {login} is being deleted, which is not finished; `evercard serve` goes on with it."
    yield from _unknown(session, "job", session.scalars(select(Job.owner_id)).partitions(_PAGE))


_CHECKS = (
    owners.account,
    owners.cards_of,
    owners.connections_of,
    past.history_of,
    past.sightings_of,
    viewers.account,
    viewers.entries_of,
    meeting.listing_of,
    meeting.between,
)
