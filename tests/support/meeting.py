"""What people decide about meeting others, in one line each; every function is a transaction of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import select

from sync import meeting
from sync.accounts import preference_changes
from sync.database.engine import Database
from sync.discovery import directory
from sync.fields import FieldContent
from sync.meeting import Asked
from sync.models import Message
from sync.notify import errands
from sync.settings import Sending, Settings
from sync.sharing import connections, grants, groups
from sync.sharing.visibility import STRANGERS
from sync.worker import ERRANDS
from tests.support.factories import field

#: A server that sends both kinds of messages; nothing is sent without a worker.
SENDING = Settings(
    base_url="https://cards.example.org",
    phone_region="CN",
    sending=Sending(smtp_host="mail.example.org", mail_from="cards@example.org", sms_url="https://sms.example.org/"),
)


def prefer(database: Database, owner_id: int, **changes: Any) -> None:
    """Change some of what a person decided."""

    def change(session: Any) -> None:
        decided = replace(preference_changes.preferences_of(session, owner_id), **changes)
        preference_changes.set_preferences(session, owner_id, decided)

    database.write(change)


def ask_first(database: Database, owner_id: int, question: str, answer: str) -> None:
    """Let whoever answers a question connect."""
    database.write(lambda session: preference_changes.set_question(session, owner_id, question, answer))


def show_strangers(database: Database, owner_id: int, kind: str, text: str) -> int:
    """Add a field that strangers may see, and return its id."""
    field_id = field(database, owner_id, kind, text)

    def grant(session: Any) -> None:
        grants.grant(session, owner_id, groups.find(session, owner_id, STRANGERS).id, [field_id])

    database.write(grant)
    return field_id


def found(database: Database, searcher_id: int, text: str) -> set[str]:
    """Return the logins of whom somebody finds by *text*."""
    with database.reading() as session:
        return {each.login for each in directory.find(session, searcher_id, text)}


def said(contents: tuple[FieldContent, ...]) -> set[str]:
    """Return what fields say."""
    return {content.text() for content in contents}


def ask(database: Database, asker_id: int, target_id: int, message: str = "") -> bool:
    """Ask somebody to be connected."""
    return database.write(lambda session: meeting.ask(session, asker_id, target_id, message))


def confirm(database: Database, owner_id: int, other_id: int) -> bool:
    """Say yes to somebody who asks."""
    return database.write(lambda session: meeting.confirm(session, owner_id, other_id))


def decline(database: Database, owner_id: int, other_id: int) -> None:
    """Say no to somebody who asks."""
    database.write(lambda session: meeting.decline(session, owner_id, other_id))


def refuse(database: Database, owner_id: int, other_id: int) -> None:
    """Say no for ever."""
    database.write(lambda session: meeting.refuse(session, owner_id, other_id))


def block(database: Database, owner_id: int, other_id: int) -> None:
    """Have nothing to do with somebody any more."""
    database.write(lambda session: meeting.block(session, owner_id, other_id))


def requests(database: Database, owner_id: int) -> list[Asked]:
    """Return what a person was asked and asks."""
    with database.reading() as session:
        return meeting.requests_of(session, owner_id)


def states(database: Database, owner_id: int) -> list[tuple[str, str, str]]:
    """Return direction, login and state of what a person was asked and asks."""
    return sorted((each.direction, each.login, each.state) for each in requests(database, owner_id))


def are_connected(database: Database, one: int, other: int) -> bool:
    """Whether two people are in each other's address book; in only one of them they must not be."""
    with database.reading() as session:
        both = {connections.is_connected(session, one, other), connections.is_connected(session, other, one)}
    assert len(both) == 1
    return both.pop()


def do_errands(database: Database) -> int:
    """Do what requests left to the worker, as the worker does; nothing is sent by that."""
    return errands.work(database, ERRANDS)


def messages(database: Database) -> list[tuple[str, str, str]]:
    """Return channel, recipient and template of everything that is still to be sent, when the errands are done."""
    do_errands(database)
    with database.reading() as session:
        rows = session.execute(select(Message.channel, Message.recipient, Message.template)).all()
    return sorted((channel, recipient, template) for channel, recipient, template in rows)
