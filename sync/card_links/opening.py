"""
Opening card links: what whoever has a secret of one is shown at this moment, and counting how often that was.

Nothing is decided here about fields: what is shown is the stored card of the link's audience.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from sync.accounts import rate_limits
from sync.accounts.rate_limits import DAY, HOUR, Limit
from sync.books import served
from sync.books.entry_texts import EntryText
from sync.books.etags import etag_of
from sync.card_links import link_secrets
from sync.card_links.link_secrets import Ids, LinkKeys
from sync.database.engine import Database
from sync.ends import carrying
from sync.errors import EndsDue, TooManyTries
from sync.models import CONTACTS, NOBODY, Account, Card, CardLink, now
from sync.pictures.columns import whole_cards, with_card
from sync.revisions import link_revisions
from sync.revisions.address_books import CONTACTS_PATH, Book
from sync.sharing import due
from sync.sharing.connections import CONNECTION

#: What the one entry of an address book is called in which a card is followed.
HREF = "card.vcf"
#: Whose account a follower has: nobody's.
FOLLOWER = NOBODY
#: How often somebody may try addresses that open nothing.
GUESSES = Limit("card-link-guess", 60, HOUR)
#: How often those who follow a card are handed it anew because one of them could not change it.
OFFERS = Limit("card-link-offer", 100, DAY)
#: What is counted: that the page was shown, that the vCard was downloaded, that a program fetched the card.
OPENED, DOWNLOADED, FETCHED = "opened", "downloaded", "fetched"


class OpenedLink(NamedTuple):
    """
    A link that a secret opened, with the state of its card, of which *digest* is the hash.

    *login* is the owner's, which stands in for a name where none is granted.
    """

    owner_id: int
    id: int
    uid: str
    epoch: int
    revision: int
    changed_at: int
    digest: str
    login: str

    @property
    def ids(self) -> Ids:
        """The owner's id and the link's."""
        return self.owner_id, self.id

    @property
    def etag(self) -> str:
        """The ETag of the card as it is served."""
        return etag_of(self.digest, None, self.changed_at)

    @property
    def follower(self) -> str:
        """The login with which programs follow the card."""
        return link_secrets.login_for(self.ids)

    def book(self, title: str = "") -> Book:
        """Return the address book in which the card is followed."""
        return Book(self.owner_id, CONTACTS, CONTACTS_PATH, title, self.epoch, self.revision)


class LinkGate:
    """
    Opens links, for one process.

    A secret that was made up is refused without a look into the database; whether a link is still there is asked of the
    database every time, so that an end works at once. Whoever finds one over carries that out first, and where that
    fails is not answered (`DatabaseUnavailable`).
    """

    def __init__(self, database: Database) -> None:
        """Read the server's keys."""
        self._database = database
        self._keys = database.write(LinkKeys.of)

    def opened(self, token: str) -> OpenedLink | None:
        """Return what the token of an address opens, None for nothing."""
        ids = self._keys.ids_in(token)
        return self._found(ids) if ids is not None else None

    def admitted(self, login: str, password: str) -> OpenedLink | None:
        """Return the link whose card a program follows with this login and password, None for nothing."""
        ids = link_secrets.ids_of_login(login)
        if ids is None or not self._keys.is_password(ids, password):
            return None
        return self._found(ids)

    def password_for(self, link: OpenedLink) -> str:
        """Return with which password programs follow the card."""
        return self._keys.password_for(link.ids)

    def again(self, link: OpenedLink) -> OpenedLink | None:
        """Return a link as it is now, None where it is gone."""
        return self._found(link.ids)

    def card(self, link: OpenedLink, version: str = "3.0") -> EntryText | None:
        """Return the card of a link as it is now, in a version of vCard; None where the link is gone."""
        if self._database.is_distributed:
            self._take_back(link.owner_id)
        written = "4.0" if version in ("4.0", served.THUNDERBIRD) else "3.0"
        column = Card.body_4 if written == "4.0" else Card.body_3
        rows = self._database.quick_rows(_CARDS[column], _key(link.ids))
        found = [(self._unless_over(row[:-1]), row[-1]) for row in whole_cards(rows, column)]
        now_is, body = found[0] if found else (None, "")
        if now_is is None:
            return None
        text = served.held(body, None, written, now_is.uid, now_is.changed_at)
        if version == served.THUNDERBIRD:
            text = served.for_thunderbird(None, lambda: text, now_is.uid, now_is.changed_at)
        return EntryText(HREF, now_is.uid, CONNECTION, now_is.etag, now_is.changed_at, text)

    def note(self, link: OpenedLink, what: str) -> None:
        """Count one use of a link: `OPENED`, `DOWNLOADED` or `FETCHED`. Nobody waits for it."""
        self._database.write_if_free(lambda session: _count(session, link.ids, getattr(CardLink, what)))

    def guessed(self, source: str) -> None:
        """
        Note that somebody tried an address that opens nothing; *source* is as in `rate_limits.source`.

        Raises:
            TooManyTries: They tried too many.
        """
        self._database.write(lambda session: rate_limits.take(session, GUESSES, source))

    def offer_again(self, link: OpenedLink) -> None:
        """Let whoever follows a card fetch it once more, because a program could not change it; not too often."""

        def offer(session: Session) -> None:
            rate_limits.take(session, OFFERS, *map(str, link.ids))
            link_revisions.offer_again(session, *link.ids, now())

        try:
            self._database.write(offer)
        except TooManyTries:
            return

    def _take_back(self, owner_id: int) -> None:
        """Carry out what is over of an owner: where the tables are spread, whoever watches may not know of it."""
        try:
            with self._database.reading() as session:
                due.require_none_due(session, [owner_id])
        except EndsDue:
            carrying.carry_out(self._database, owner_id)

    def _found(self, ids: Ids) -> OpenedLink | None:
        rows = self._database.quick_rows(_OPENED, _key(ids))
        return self._unless_over(rows[0]) if rows else None

    def _unless_over(self, row: Sequence[Any]) -> OpenedLink | None:
        *found, ends_at = row
        link = OpenedLink(*found)
        if ends_at is None or ends_at > now():
            return link
        # It stays over, whatever the clock does afterwards.
        carrying.carry_out(self._database, link.owner_id)
        return None


def _key(ids: Ids) -> dict[str, object]:
    return {"owner": ids[0], "link": ids[1]}


def _count(session: Session, ids: Ids, counter: InstrumentedAttribute[int]) -> None:
    one = (CardLink.owner_id == ids[0], CardLink.id == ids[1])
    session.execute(update(CardLink).where(*one).values({counter: counter + 1, CardLink.used_on: now() // DAY}))


_OPENED: Select[Any] = (
    select(CardLink.owner_id, CardLink.id, CardLink.uid, CardLink.epoch, CardLink.revision, CardLink.changed_at)
    .add_columns(Card.digest, Account.login, CardLink.ends_at)
    .join(Card, (Card.owner_id == CardLink.owner_id) & (Card.id == CardLink.audience_id))
    .join(Account, Account.id == CardLink.owner_id)
    .where(
        CardLink.owner_id == bindparam("owner"),
        CardLink.id == bindparam("link"),
        Account.disabled_at.is_(None),
        Account.deletion_began_at.is_(None),
    )
)
_CARDS = {body: with_card(_OPENED, body) for body in (Card.body_3, Card.body_4)}
