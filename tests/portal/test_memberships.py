"""Organisations in the portal: what is asked for before joining, what is shown, and leaving."""

from __future__ import annotations

from sync.accounts import preference_changes
from sync.meeting import blocks
from sync.organisations import members
from sync.queries import told_members
from sync.sharing import grants
from tests.support import clubs, factories
from tests.support.forms import Visitor
from tests.support.site import Site


def test_whoever_is_invited_sees_what_is_asked_for_and_joins_with_what_they_tick(site: Site) -> None:
    anna, bert = factories.people(site.database, "anna", "bert")
    mobile, _ = factories.field(site.database, anna), factories.field(site.database, anna, "email", "a@example.org")
    club = clubs.found(site.database, "Chess Club", ["mobile"])
    club.invite(anna)
    visitor = Visitor(site).signed_in(anna)
    home = visitor.get("/")
    assert "Chess Club invites you to join. It asks everybody who joins to show: Mobile phone." in home.text
    assert "You are invited. Nobody there sees anything of you yet." in visitor.get("/organisations/").text
    address = f"/organisations/{club.id}/join"
    page = visitor.get(address)
    assert "It asks everybody who joins to show: Mobile phone." in page.text
    assert page.form(address).xpath(".//input[@checked]") == []
    refused = page.submit(address)
    assert refused.status == 409
    assert "This organisation asks for more" in refused.text
    joined = page.submit(address, field=str(mobile)).followed()
    assert "sees 1 line of your card" in joined.text
    assert "invites you" not in visitor.get("/").text
    with site.database.reading() as session:
        (seen,) = [each.group_id for each in members.belongings(session, anna)]
    assert "Everybody in this organisation" in visitor.get(f"/sharing/?group={seen}").text
    told = visitor.get("/groups/").document.xpath(
        "//li[contains(@class, 'row')][.//h2[normalize-space()='Chess Club']]"
    )
    assert [node.xpath("string(.//small)") for node in told] == [
        "Everybody in this organisation. Nobody has to be put into it."
    ]
    other = Visitor(site).signed_in(bert)
    assert other.get(address).status == other.get(f"/organisations/{club.id}/leave").status == 404
    assert "You are in no organisation" in other.get("/organisations/").text


def test_a_member_leaves(site: Site) -> None:
    anna = factories.person(site.database, "anna")
    club = clubs.found(site.database)
    club.join(anna)
    visitor = Visitor(site).signed_in(anna)
    address = f"/organisations/{club.id}/leave"
    told = visitor.get(address).submit(address).followed()
    assert told.told == ["Nobody there has your card by this organisation any more, and you have nobody's."]
    assert "You are in no organisation" in told.text
    assert visitor.post(f"/organisations/{club.id}/join").status in (404, 409)


def test_a_preview_of_what_an_organisation_sees_has_nothing_that_connections_see_alone(site: Site) -> None:
    anna = factories.person(site.database, "anna")
    mobile = factories.field(site.database, anna, "mobile", "+49 170 5550101")
    everybody = factories.everybody_connected(site.database, anna)
    site.database.write(lambda session: grants.grant(session, anna, everybody, [mobile]))
    club = clubs.found(site.database)
    club.join(anna)
    visitor = Visitor(site).signed_in(anna)
    card = visitor.get(f"/sharing/card?who=group-{club.group_of(anna)}").response.text
    assert "BEGIN:VCARD" in card
    assert "170 5550101" not in card
    club.grant(anna, mobile)
    assert "5550101" in visitor.get(f"/sharing/card?who=group-{club.group_of(anna)}").response.text


def test_a_member_finds_the_others_and_their_cards_and_nobody_else_does(site: Site) -> None:
    anna, bert, carl = factories.people(site.database, "anna", "bert", "carl")
    mobile = factories.field(site.database, bert, "mobile", "+49 170 5550101")
    factories.field(site.database, bert, "email", "secret@example.org")
    club = clubs.found(site.database)
    club.join(anna)
    club.join(bert, [mobile])
    visitor, stranger = Visitor(site).signed_in(anna), Visitor(site).signed_in(carl)
    assert "Chess Club" in visitor.get("/people/").text
    assert "bert" in visitor.get(f"/members/{club.id}/").text
    assert "bert" not in visitor.get(f"/members/{club.id}/?q=nobody").text
    card = visitor.get(f"/members/person/{bert}").text
    assert "5550101" in card.replace(" ", "")
    assert "secret" not in card
    assert stranger.get(f"/members/{club.id}/").status == stranger.get(f"/members/person/{bert}").status == 404
    club.leave(bert)
    assert visitor.get(f"/members/person/{bert}").status == 404


def test_a_member_is_taken_off_the_devices_and_brought_back(site: Site) -> None:
    anna, bert = clubs.somebody(site, "anna"), clubs.somebody(site, "bert")
    club = clubs.found(site.database)
    club.join(anna.id)
    club.join(bert.id, [bert.name, bert.mobile])
    visitor = Visitor(site).signed_in(anna.id)
    assert list(anna.sync()) == ["Bert"]
    address = f"/members/person/{bert.id}"
    told = visitor.get(address).submit(f"{address}/hide").followed()
    assert told.told == [
        "The card goes from your devices. You can show it again.",
        "You took this card off your devices.",
    ]
    assert "Bert" in told.text
    assert list(anna.sync()) == []
    assert "Bert" not in visitor.get(f"/members/{club.id}/").text
    assert "Bert" in visitor.get(f"/members/{club.id}/?hidden=yes").text
    club.take_back(bert.id, bert.mobile)
    assert clubs.number_of("bert") not in visitor.get(address).text
    assert visitor.get(address).submit(f"{address}/show").followed().told == ["The card comes back to your devices."]
    assert list(anna.sync()) == ["Bert"]
    assert "Bert" not in visitor.get(f"/members/{club.id}/?hidden=yes").text
    visitor.get(address).submit(f"{address}/hide")
    club.leave(bert.id)
    assert visitor.get(address).status == 404
    assert "Bert" not in visitor.get(f"/members/{club.id}/?hidden=yes").text


def refused(visitor: Visitor, other: int, act: str) -> list[str]:
    """Return what is said where somebody cannot be hidden or shown."""
    told = visitor.post(f"/members/person/{other}/{act}").followed().told
    assert not {"The card goes from your devices. You can show it again.", "The card comes back to your devices."} & {
        *told
    }
    return told


def test_nobody_is_hidden_or_shown_by_whoever_does_not_have_them(site: Site) -> None:
    anna, bert, carl = factories.people(site.database, "anna", "bert", "carl")
    club = clubs.found(site.database)
    club.join(anna)
    club.join(bert)
    visitor = Visitor(site).signed_in(carl)
    for act in ("hide", "show"):
        for other in (bert, carl, 2**62):
            assert len(refused(visitor, other, act)) == 1
    site.database.write(lambda session: blocks.block(session, bert, anna))
    blocked = Visitor(site).signed_in(anna)
    assert blocked.get(f"/members/person/{bert}").status == 404
    assert refused(blocked, bert, "show") == ["No entry of this person is hidden."]
    assert refused(blocked, bert, "hide") == ["There is no such member."]
    assert "bert" not in blocked.get(f"/members/{club.id}/?hidden=yes").text


def test_a_member_is_asked_to_connect_where_they_let_others_ask(site: Site) -> None:
    anna, bert, carl = factories.people(site.database, "anna", "bert", "carl")
    club = clubs.found(site.database)
    for each in (anna, bert, carl):
        club.join(each)
    site.database.write(lambda session: preference_changes.change_preferences(session, carl, connecting="nobody"))
    visitor = Visitor(site).signed_in(anna)
    asked = visitor.get(f"/members/person/{bert}").submit(f"/find/ask/{bert}", message="hello").followed()
    assert asked.told == ["You have asked. As soon as they confirm, you are connected."]
    assert "You have asked, and wait for an answer." in asked.text
    shut = visitor.get(f"/members/person/{carl}").text
    assert "Does not want to be connected with anybody new." in shut
    assert "Send the request" not in shut
    other = Visitor(site).signed_in(bert)
    other.get("/requests/").submit(f"/requests/{anna}/confirm")
    assert visitor.get(f"/members/person/{bert}").followed().path.endswith(f"/people/{bert}")


def test_what_a_member_changed_stands_in_the_activity(site: Site) -> None:
    anna, bert = clubs.somebody(site, "anna"), clubs.somebody(site, "bert")
    club = clubs.found(site.database)
    club.join(anna.id)
    club.join(bert.id, [bert.name])
    visitor = Visitor(site).signed_in(anna.id)
    assert "Bert" not in visitor.get("/activity/").text
    club.grant(bert.id, bert.mobile)
    page = visitor.get("/activity/")
    assert "New: Mobile phone" in page.text
    assert page.document.xpath("//a[contains(@class, 'cover')]/@href")[0].endswith(f"/members/person/{bert.id}")
    assert "Bert" in visitor.get("/").text
    visitor.get(f"/members/person/{bert.id}").submit(f"/members/person/{bert.id}/hide")
    assert "Bert" not in visitor.get("/activity/").text


def test_a_member_chooses_to_be_told_of_what_the_others_change(site: Site) -> None:
    anna, bert = factories.people(site.database, "anna", "bert")
    club = clubs.found(site.database)
    club.join(anna)
    club.invite(bert)
    visitor, address = Visitor(site).signed_in(anna), f"/organisations/{club.id}/news"
    assert address in visitor.get("/organisations/").response.text
    page = visitor.get(address)
    assert page.form(address).xpath(".//input[@checked]") == []
    told = page.submit(address, by_digest="y").followed()
    assert told.told == ["Saved. It holds from now on."]
    with site.database.reading() as session:
        chosen = told_members.choice_of(session, anna, club.id)
    assert chosen == told_members.Telling(by_digest=True, in_browsers=False)
    assert [each.get("name") for each in told.form(address).xpath(".//input[@checked]")] == ["by_digest"]
    assert visitor.post(address, {"in_browsers": "y"}).followed().status == 200
    with site.database.reading() as session:
        chosen = told_members.choice_of(session, anna, club.id)
    assert chosen == told_members.Telling(by_digest=False, in_browsers=True)
    other = Visitor(site).signed_in(bert)
    assert other.get(address).status == other.post(address, {"by_digest": "y"}).status == 404
