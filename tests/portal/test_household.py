"""What people of a household share, on the pages of both."""

from __future__ import annotations

from typing import Any

from sync.sharing import connections
from tests.support.factories import connected, content, field, set_field
from tests.support.forms import Page, Visitor
from tests.support.households import follow, said
from tests.support.site import Site

NEWS = "Somebody of your household has news for you."
OLD, NEW = "+49 30 5550100", "+49 30 5550101"
HOME = "home-phone"


def test_a_number_is_offered_agreed_to_changed_once_and_taken_back(site: Site) -> None:
    anna, bert = connected(site.database, "anna", "bert")
    line, hidden = field(site.database, anna, HOME, OLD), field(site.database, anna, "note", "secret")
    owner, carrier = Visitor(site).signed_in(anna), Visitor(site).signed_in(bert)
    assert f"/household/?person={bert}" in owner.get(f"/people/{bert}").response.text
    page = owner.get(f"/household/?person={bert}")
    assert str(hidden) not in page.response.text
    assert NEWS not in carrier.get("/").text
    assert "They are asked" in page.submit("/household/offer").followed().told[0]
    assert NEWS in carrier.get("/").text
    page = carrier.get("/household/")
    assert OLD in page.text
    assert "anna" in page.text
    assert said(site.database, bert) == {}
    assert "It is on your card" in page.submit("/household/accept").followed().told[0]
    set_field(site.database, anna, line, NEW, HOME)
    follow(site.database)
    assert list(said(site.database, bert).values()) == [NEW]
    for path in ("/household/", "/card/"):
        assert "Follows anna" in carrier.get(path).text
    assert "On the card of bert" in owner.get("/household/").text
    owner.get("/household/").submit("/household/take-back")
    page = carrier.get("/household/")
    assert "anna does not share this any more" in page.text
    page.submit("/household/dismiss")
    assert "does not share" not in carrier.get("/household/").text
    assert list(said(site.database, bert).values()) == [NEW]


def test_one_of_ones_own_can_be_what_follows_and_it_is_left_or_removed(site: Site) -> None:
    anna, bert = connected(site.database, "anna", "bert")
    field(site.database, anna, HOME, OLD)
    own = field(site.database, bert, HOME, NEW)
    owner, carrier = Visitor(site).signed_in(anna), Visitor(site).signed_in(bert)
    owner.get(f"/household/?person={bert}").submit("/household/offer")
    page = carrier.get("/household/")
    assert str(own) in page.response.text
    page.submit("/household/accept", instead=str(own))
    assert said(site.database, bert) == {own: OLD}
    page = carrier.get("/household/").submit("/household/leave").followed()
    assert page.told == ["It is your own now: it stays as it is, and does not follow any more."]
    assert "bert does not follow this any more" in owner.get("/household/").text
    owner.get("/household/").submit("/household/dismiss")
    owner.get(f"/household/?person={bert}").submit("/household/offer")
    carrier.get("/household/").submit("/household/decline")
    assert "bert does not want this on their card" in owner.get("/household/").text


def test_of_several_offers_the_one_whose_form_was_in_hand_is_shown_again_in_another_language(site: Site) -> None:
    anna, bert = connected(site.database, "anna", "bert")
    offered = {str(field(site.database, anna, HOME, number)): number for number in (OLD, NEW)}
    own = field(site.database, bert, HOME, "+49 30 5550102")
    owner, carrier = Visitor(site).signed_in(anna), Visitor(site).signed_in(bert)
    for line in offered:
        owner.get(f"/household/?person={bert}").submit("/household/offer", field=line)
    for row in range(2):
        form = accepting(carrier.get("/household/"))[row]
        sent = {**form.fields, "instead": str(own)}
        switch = str(form.xpath(".//button[contains(@formaction, '/language/')]/@formaction")[0])
        again = accepting(carrier.send(switch, sent))
        assert [each.fields["field"] for each in again].count(sent["field"]) == 1
        assert [each.fields["instead"] for each in again] == [str(own) if each == row else "" for each in range(2)]


def accepting(page: Page) -> list[Any]:
    """Return the forms by which offers are agreed to."""
    return [form for form in page.document.forms if str(form.get("action")).endswith("/household/accept")]


def test_whoever_looked_at_another_value_is_told_so_and_nonsense_is_refused(site: Site) -> None:
    anna, bert = connected(site.database, "anna", "bert")
    line = field(site.database, anna, HOME, OLD)
    owner, carrier = Visitor(site).signed_in(anna), Visitor(site).signed_in(bert)
    owner.get(f"/household/?person={bert}").submit("/household/offer")
    page = carrier.get("/household/")
    set_field(site.database, anna, line, NEW, HOME)
    assert "changed meanwhile" in page.submit("/household/accept").followed().told[0]
    assert said(site.database, bert) == {}
    for action in ("offer", "accept", "decline", "leave", "take-back", "dismiss"):
        nonsense = {"owner": "x", "field": "x", "carrier": "9" * 30, "instead": "y", "seen": "z"}
        assert carrier.post(f"/household/{action}", nonsense).followed().told
    assert "Share something with" not in carrier.get("/household/?person=77").text


def test_who_parted_is_named_no_more_and_what_was_carried_is_said_to_be_ones_own(site: Site) -> None:
    anna, bert = connected(site.database, "anna", "bert")
    field(site.database, anna, HOME, OLD)
    owner, carrier = Visitor(site).signed_in(anna), Visitor(site).signed_in(bert)
    owner.get(f"/household/?person={bert}").submit("/household/offer")
    carrier.get("/household/").submit("/household/accept")
    site.database.write(lambda session: connections.disconnect(session, anna, bert))
    assert "Somebody and you are not connected any more" in carrier.get("/household/").text
    assert "anna" not in carrier.get("/household/").text
    assert content(HOME, OLD).main.value in carrier.get("/card/").text


def test_what_a_home_has_is_offered_first_and_what_says_the_same_already_is_what_follows(site: Site) -> None:
    anna, bert = connected(site.database, "anna", "bert")
    field(site.database, anna, "mobile", "+49 170 5550100")
    line = field(site.database, anna, HOME, OLD)
    owner, carrier = Visitor(site).signed_in(anna), Visitor(site).signed_in(bert)
    assert owner.get(f"/household/?person={bert}").fields("/household/offer")["field"] == str(line)
    field(site.database, bert, HOME, NEW)
    own = field(site.database, bert, HOME, OLD)
    owner.get(f"/household/?person={bert}").submit("/household/offer")
    carrier.get("/household/").submit("/household/accept")
    assert len(said(site.database, bert)) == 2
    follows = carrier.get("/household/").fields("/household/leave")["field"]
    assert follows == str(own)
