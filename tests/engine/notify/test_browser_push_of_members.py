"""A browser tells a member who chose it what fellow members change of what their organisation sees, and once only."""

from __future__ import annotations

import pytest

from sync.database.engine import Database
from sync.organisations import pair_entries
from sync.profiles import profiles
from sync.push import news
from sync.queries import told_members
from sync.revisions import roster_news
from sync.sharing import grants
from tests.engine.notify.test_browser_push import NEW, OLD, Reader
from tests.support import clubs, factories
from tests.support.push_service import PushService
from tests.support.subscribing import Telling, rows

LATER = "+49 555 0102"


class Club:
    """Anna and Ben are in the club, which sees Ben's number and not the bank account; Anna's browser is told."""

    def __init__(self, told: Database, service: PushService, worker: Telling) -> None:
        """Let Anna choose that she is told of members."""
        self.told, self.worker = told, worker
        self.anna_id, self.ben, self.carl = factories.people(told, "anna", "ben", "carl")
        self.phone = factories.field(told, self.ben, "mobile", OLD)
        self.bank = factories.field(told, self.ben, "bank-account", "62 0138")
        self.club = clubs.found(told)
        self.club.join(self.anna_id)
        self.club.join(self.ben, [self.phone])
        self.anna = Reader(told, service, self.anna_id)
        self.choose(in_browsers=True)
        self.carry()

    def choose(self, *, in_browsers: bool) -> None:
        """Let Anna's browsers tell of members, or not."""
        self.told.write(lambda s: told_members.choose(s, self.anna_id, self.club.id, in_browsers=in_browsers))

    def change(self, number: str) -> None:
        """Let Ben have another number."""
        factories.set_field(self.told, self.ben, self.phone, number)

    def carry(self) -> None:
        """Let the worker note what changed, and tell of it when it is due."""
        roster_news.work(self.told)
        self.worker.later(news.QUIET + 1)

    def kinds(self) -> list[list[tuple[str, list[str]]]]:
        """Return of whom the browser was told which kinds of fields, message for message."""
        return [[(each["name"], each["kinds"]) for each in said["people"]] for said in self.anna.told]


@pytest.fixture
def club(told: Database, service: PushService, worker: Telling) -> Club:
    """Anna and Ben."""
    return Club(told, service, worker)


def test_a_change_is_told_once_with_who_and_what_kind_and_no_value(club: Club) -> None:
    club.change(NEW)
    club.carry()
    assert club.kinds() == [[("ben", ["mobile"])]]
    assert NEW not in club.anna.received[0].text
    club.worker.later(10_000)
    club.carry()
    assert len(club.anna.told) == 1
    club.change(LATER)
    club.worker.later(10_000)
    club.carry()
    assert club.kinds() == [[("ben", ["mobile"])]] * 2


def test_it_is_off_until_it_is_chosen_and_begins_then(club: Club) -> None:
    club.choose(in_browsers=False)
    club.change(NEW)
    club.choose(in_browsers=True)
    club.carry()
    assert club.anna.told == []
    club.change(LATER)
    club.choose(in_browsers=False)
    club.carry()
    assert club.anna.told == []


def test_nothing_is_told_of_what_the_organisation_does_not_see(club: Club) -> None:
    factories.set_field(club.told, club.ben, club.bank, "62 0139", "bank-account")
    club.club.join(club.carl)
    mine = factories.field(club.told, club.anna_id)
    club.club.grant(club.anna_id, mine)
    club.carry()
    assert club.anna.told == []
    assert all(not each.has_content for each in rows(club.told))


@pytest.mark.parametrize("how", ["changed back", "taken back", "hidden", "left", "gone", "connected"])
def test_what_is_told_of_members_is_decided_when_it_is_sent(club: Club, how: str) -> None:
    club.change(NEW)
    roster_news.work(club.told)
    anna, ben = club.anna_id, club.ben
    if how == "changed back":
        club.told.write(lambda s: profiles.set_field(s, ben, club.phone, factories.content("mobile", OLD)))
    elif how == "taken back":
        club.told.write(lambda s: grants.take_back(s, ben, club.club.group_of(ben), [club.phone]))
    elif how == "hidden":
        club.told.write(lambda s: pair_entries.hide(s, anna, ben))
    elif how == "connected":
        factories.connect(club.told, anna, ben)
    else:
        club.club.leave(ben if how == "left" else anna)
    club.carry()
    assert club.anna.told == []


def test_what_was_told_already_is_not_told_again_when_its_news_come_later(club: Club) -> None:
    """A change that is told with another one, before the worker has noted it."""
    club.change(NEW)
    roster_news.work(club.told)
    club.change(LATER)
    club.worker.later(news.QUIET + 1)
    assert len(club.anna.told) == 1
    roster_news.work(club.told)
    club.worker.later(10_000)
    assert len(club.anna.told) == 1


def test_whoever_changed_something_is_told_what_others_changed_at_the_same_time(club: Club) -> None:
    mine = factories.field(club.told, club.anna_id)
    club.club.grant(club.anna_id, mine)
    club.change(NEW)
    club.carry()
    assert club.kinds() == [[("ben", ["mobile"])]]


def test_a_connection_and_a_member_are_told_in_one_message(club: Club) -> None:
    factories.connect(club.told, club.anna_id, club.carl)
    qq = factories.field(club.told, club.carl, "qq", "10001")
    factories.group(club.told, club.carl, "Friends", [club.anna_id], [qq])
    club.carry()
    club.worker.later(10_000)
    before = len(club.anna.told)
    factories.set_field(club.told, club.carl, qq, "10002", "qq")
    club.change(NEW)
    roster_news.work(club.told)
    club.worker.later(10_000)
    assert club.kinds()[before:] == [[("carl", ["qq"]), ("ben", ["mobile"])]]
