"""Organisations in the hands of administrators: the server's, and members who look after one and no other."""

from __future__ import annotations

import pytest

from sync.organisations import members, organisations
from sync.sign_in import administrators, organisation_administrators
from tests.support import clubs, factories
from tests.support.clubs import Club
from tests.support.forms import Visitor
from tests.support.meeting import prefer
from tests.support.site import Site
from tests.support.statements import sent


@pytest.fixture
def root(site: Site) -> Visitor:
    """Return a browser in which an administrator of the server is signed in."""
    account_id = factories.person(site.database, "root")
    site.database.write(lambda session: administrators.appoint(session, account_id))
    return Visitor(site).signed_in(account_id)


def looked_after(club: Club, owner_id: int) -> None:
    """Let somebody join who looks after the organisation."""
    club.join(owner_id)
    club.database.write(lambda session: members.set_administrator(session, club.id, owner_id, is_one=True))


def in_it(site: Site, organisation_id: int, state: str = "members") -> list[str]:
    """Return by login who is in an organisation."""
    with site.database.reading() as session:
        listed = organisation_administrators.page_of(session, organisation_id, state=state)
    return [each.login for each in listed.people]


def told(site: Site, owner_id: int) -> str:
    """Return what somebody sees of what administrators did with their account."""
    return Visitor(site).signed_in(owner_id).get("/settings/administrators").text


def test_an_administrator_makes_an_organisation_and_ends_it_and_whoever_is_in_it_sees_that(
    site: Site, root: Visitor
) -> None:
    anna, bert = factories.people(site.database, "anna", "bert")
    everything = "/administration/organisations"
    refused = root.get(everything).submit(everything, name=" ")
    assert refused.status == 400
    made = refused.submit(everything, name="Chess Club", kind=["mobile"]).followed()
    with site.database.reading() as session:
        club = Club(site.database, organisations.find(session, "Chess Club").id)
    people = f"/organisations/{club.id}/people"
    assert made.path == people
    made = made.submit(people, who="anna").followed()
    assert "They decide whether they join." in made.told[0]
    assert (in_it(site, club.id), in_it(site, club.id, "invited")) == ([], ["anna"])
    assert "nobody with the login" in made.submit(people, who="nobody").text
    club.invite(bert)
    factories.field(site.database, anna)
    with site.database.reading() as session:
        assert organisations.about(session, club.id).minimum == ["mobile"]
    one = f"{everything}/{club.id}"
    saved = root.get(one).submit(one, name="Go Club", kind=[]).followed()
    assert saved.told == ["Saved. Whoever joins from now on is asked for this."]
    club.join(anna)
    saved = root.get(one).submit(one, name="Club of Go", kind=["email"])
    assert "Club of Go" in Visitor(site).signed_in(anna).get("/sharing/").text
    root.get(f"{one}/end").submit(f"{one}/end")
    assert root.get(one).status == 404
    said = told(site, anna)
    assert "Invited into an organisation: Chess Club by the administrator root" in said
    assert "Organisation ended: Club of Go by the administrator root" in said
    assert "Organisation ended: Club of Go" in told(site, bert)


def test_somebody_is_removed_from_an_organisation_by_one_form_and_sees_it(site: Site, root: Visitor) -> None:
    anna = factories.person(site.database, "anna")
    club = clubs.found(site.database)
    club.join(anna)
    page = root.get(f"/organisations/{club.id}/people/{anna}")
    page = page.submit(f"/organisations/{club.id}/people/{anna}/appoint").followed()
    page = page.submit(f"/organisations/{club.id}/people/{anna}/dismiss").followed()
    page.submit(f"/organisations/{club.id}/people/{anna}/remove")
    assert in_it(site, club.id) == []
    said = told(site, anna)
    for act in ("Looks after an organisation from now on", "Looks after an organisation no longer", "Removed from an"):
        assert act in said


def test_whoever_looks_after_one_organisation_invites_whom_they_can_find_and_nobody_else(site: Site) -> None:
    anna, bert, carl, dora, emma = factories.people(site.database, "anna", "bert", "carl", "dora", "emma")
    club = clubs.found(site.database)
    looked_after(club, anna)
    factories.connect(site.database, anna, bert)
    prefer(site.database, carl, found_by_login=True)
    prefer(site.database, dora, found_by_login=False)
    people = f"/organisations/{club.id}/people"
    page = Visitor(site).signed_in(anna).get(people)
    answers = {who: page.submit(people, who=who) for who in ("bert", "carl", "dora", "nobody")}
    assert in_it(site, club.id, "invited") == ["bert", "carl"]
    hidden, missing = (answers[who].text.replace(who, "") for who in ("dora", "nobody"))
    assert hidden == missing
    assert "Nobody is found by this." in hidden
    assert "Invited into an organisation: Chess Club by the administrator anna" in told(site, bert)
    assert "administrator anna" not in told(site, emma)


def test_an_administrator_of_one_organisation_is_nobody_in_another_and_a_member_is_nobody_anywhere(
    site: Site, root: Visitor
) -> None:
    """Every address and form of looking after an organisation is answered as if there were none."""
    anna, bert, carl = factories.people(site.database, "anna", "bert", "carl")
    hers, other = clubs.found(site.database), clubs.found(site.database, "Rowing Club")
    looked_after(hers, anna)
    for each in (bert, carl):
        other.join(each)
    other.join(anna)
    hers.invite(carl)
    for attacker in (anna, bert):
        visitor = Visitor(site).signed_in(attacker)
        nowhere = visitor.get("/organisations/1/people")
        assert nowhere.status == 404
        one = f"/organisations/{other.id}/people"
        for path in (one, f"{one}/{carl}", f"{one}?state=invited&q=c"):
            answer = visitor.get(path)
            assert answer.status == 404
            assert "carl" not in answer.text
        for act in ("appoint", "dismiss", "remove"):
            assert visitor.post(f"{one}/{carl}/{act}").status == 404
        assert visitor.post(one, {"who": "root"}).status == 404
        for path in ("", f"/{other.id}", f"/{other.id}/end"):
            assert visitor.get(f"/administration/organisations{path}").status == 404
            assert visitor.post(f"/administration/organisations{path}", {"name": "Mine"}).status == 404
    assert in_it(site, other.id) == ["anna", "bert", "carl"]
    assert in_it(site, other.id, "invited") == []
    mine = Visitor(site).signed_in(anna)
    assert mine.get(f"/organisations/{hers.id}/people").status == 200
    # Not even in her own does she say who looks after it, or what it is called.
    mine.post(f"/organisations/{hers.id}/people/{carl}/appoint")
    hers.join(carl)
    mine.post(f"/organisations/{hers.id}/people/{carl}/appoint")
    assert Visitor(site).signed_in(carl).get(f"/organisations/{hers.id}/people").status == 404
    assert "Chess Club" in root.get("/administration/organisations").text


def test_whoever_is_dismissed_or_leaves_looks_after_nothing_from_the_next_request_on(site: Site) -> None:
    anna, bert, carl = factories.people(site.database, "anna", "bert", "carl")
    club = clubs.found(site.database)
    looked_after(club, anna)
    looked_after(club, bert)
    club.join(carl)
    people = f"/organisations/{club.id}/people"
    visitor = Visitor(site).signed_in(anna)
    page = visitor.get(f"{people}/{bert}").submit(f"{people}/{bert}/remove").followed()
    assert "is removed from it by an administrator of the server" in page.told[0]
    club.database.write(lambda session: members.set_administrator(session, club.id, anna, is_one=False))
    assert visitor.post(f"{people}/{carl}/remove").status == visitor.get(people).status == 404
    club.leave(bert)
    club.join(bert)
    assert Visitor(site).signed_in(bert).get(people).status == 404
    assert in_it(site, club.id) == ["anna", "bert", "carl"]


def test_a_list_of_many_members_takes_as_many_statements_as_one_of_few(site: Site, root: Visitor) -> None:
    club, counts = clubs.found(site.database), set()
    for number in range(3):
        club.join(factories.person(site.database, f"kim{number}"))
        with sent(site.database.engine) as statements:
            page = root.get(f"/organisations/{club.id}/people")
        counts.add(len(statements))
        assert f"kim{number}" in page.text
    assert len(counts) == 1
    assert "kim1" not in root.get(f"/organisations/{club.id}/people?q=kim2").text
