"""What holders say is not right any more, on the pages of both."""

from __future__ import annotations

from sync.sharing import grants
from tests.support.factories import connected, everybody_connected, field, set_field
from tests.support.forms import Visitor
from tests.support.site import Site

TOLD = "Somebody says that something on your card is not right any more."


def test_a_holder_says_so_and_the_owner_changes_it_or_not(site: Site) -> None:
    anna, bert = connected(site.database, "anna", "bert")
    phone, hidden = field(site.database, anna), field(site.database, anna, "email", "secret@example.org")

    everybody = everybody_connected(site.database, anna)
    site.database.write(lambda session: grants.grant(session, anna, everybody, [phone]))
    owner, holder = Visitor(site).signed_in(anna), Visitor(site).signed_in(bert)
    assert TOLD not in owner.get("/").text
    assert f"/doubts/of/{anna}" in holder.get(f"/people/{anna}").response.text
    page = holder.get(f"/doubts/of/{anna}")
    assert "secret" not in page.response.text
    assert str(phone) not in page.response.text
    assert str(hidden) not in page.response.text
    page = page.submit(f"/doubts/of/{anna}").followed()
    assert page.told == ["They are told that you say so. Nothing else changes."]
    assert "You said so." in holder.get(f"/doubts/of/{anna}").text
    assert TOLD in owner.get("/").text
    asked = owner.get("/doubts/")
    assert "bert" in asked.text
    assert asked.document.xpath(f"//a[contains(@href, '/card/') and contains(@href, '{phone}')]")
    assert asked.submit(f"/doubts/{phone}/dismiss").followed().told
    assert TOLD not in owner.get("/").text
    set_field(site.database, anna, phone, "+1 555 0101")
    holder.get(f"/doubts/of/{anna}").submit(f"/doubts/of/{anna}")
    assert TOLD in owner.get("/").text


def test_nonsense_and_strangers_are_refused(site: Site) -> None:
    anna, bert = connected(site.database, "anna", "bert")
    (carl,) = connected(site.database, "carl")
    field(site.database, anna)
    holder = Visitor(site).signed_in(bert)
    said = "There is nothing of the kind on this card."
    assert said in holder.post(f"/doubts/of/{anna}", {"key": "nonsense"}).followed().told
    stranger = Visitor(site).signed_in(carl)
    assert stranger.get(f"/doubts/of/{anna}").status == 404
    assert stranger.post(f"/doubts/of/{anna}", {"key": "x"}).followed().status in (200, 404)
    assert TOLD not in Visitor(site).signed_in(anna).get("/").text
