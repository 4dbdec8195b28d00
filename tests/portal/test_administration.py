"""The pages of administrators: they are there for nobody else, show nobody's card, and tell everybody what was done."""

from __future__ import annotations

from functools import partial

import pytest

from sync import jobs
from sync.accounts import addresses
from sync.accounts.addresses import EMAIL
from sync.database import accounts
from sync.errors import NotFound
from sync.household import following
from sync.models import now
from sync.notify import outbox
from sync.revisions.shared_fields import HOUSEHOLD
from sync.sign_in import administrators, credentials, people_list
from tests.portal import walk
from tests.portal.conftest import PASSWORD, Cast
from tests.support import clubs
from tests.support.factories import connected, field, person
from tests.support.forms import ROOT, Visitor, portal_of
from tests.support.meeting import messages
from tests.support.people import register
from tests.support.site import Site
from tests.support.statements import sent


@pytest.fixture
def root(site: Site) -> Visitor:
    """Return a browser in which an administrator is signed in."""
    account_id = person(site.database, "root")
    site.database.write(lambda session: administrators.appoint(session, account_id))
    return Visitor(site).signed_in(account_id)


def addresses_of_pages(site: Site, cast: Cast) -> list[tuple[str, str]]:
    """Return every method and path of the administrators' pages."""
    return [
        (method, path)
        for method in ("GET", "POST")
        for endpoint, path in walk.addresses(site, method, cast.ids)
        if endpoint.startswith("administration.")
    ]


def test_for_others_there_is_nothing_by_any_method_and_with_any_token(cast_site: Site, cast: Cast) -> None:
    """The answer is that of an address that nobody has, in every word."""
    # Whoever walks is signed in, so that there is a browser to end.
    Visitor(cast_site).signed_in(cast.ids["anna"])
    pages = addresses_of_pages(cast_site, cast)
    assert {method for method, _ in pages} == {"GET", "POST"}
    assert len(pages) > 10
    bo = Visitor(cast_site).signed_in(cast.ids["bo"])
    nowhere = bo.get("/no-such-place")
    token = bo.token()
    for _, path in [*pages, ("GET", "/administration"), ("GET", "/administration/people/1/nothing")]:
        answers = [bo.get(path), bo.post(path), bo.send(ROOT + path, {}), bo.send(ROOT + path, {"csrf_token": token})]
        for answer in answers:
            assert answer.status == 404, path
            assert "There is nothing at this address." in answer.text
        assert answers[0].text.replace(path, "") == nowhere.text.replace("/no-such-place", "")
    assert "Administration" not in bo.get("/").text + bo.get("/settings/").text
    with cast_site.database.reading() as session:
        assert accounts.everybody(session)[0].disabled_at is None


def test_who_is_dismissed_is_one_of_the_others_from_the_next_request_on(site: Site, root: Visitor) -> None:
    assert root.get("/administration/").status == 200
    with site.database.reading() as session:
        account_id = accounts.find(session, "root")
    site.database.write(lambda session: administrators.dismiss(session, account_id))
    assert root.get("/administration/").status == 404


def test_no_form_of_another_site_does_anything_to_anybody(site: Site, root: Visitor) -> None:
    victim = register(site.database, "victim")
    path = f"/administration/people/{victim.id}"
    for act in ("disable", "reset", "delete"):
        assert root.post(f"{path}/{act}", {"login": "victim"}, origin="https://evil.example").status == 400
        assert root.send(f"{ROOT}{path}/{act}", {"login": "victim"}).status == 400
        assert root.get(f"{path}/{act}").status in (200, 405)
    with site.database.reading() as session:
        assert not people_list.one(session, victim.id).is_disabled


def test_an_administrator_closes_and_opens_an_account_and_the_person_sees_it(site: Site, root: Visitor) -> None:
    anna = register(site.database, "anna")
    site.database.write(lambda session: credentials.set_password(session, anna.id, PASSWORD))
    mine, path = Visitor(site).signed_in(anna.id), f"/administration/people/{anna.id}"
    page = root.get(path).submit(f"{path}/disable")
    assert page.told == ["The account is closed. Devices and browsers of this person are shut out."]
    assert mine.get("/card/").location.startswith("/sign-in")
    assert site.call("PROPFIND", "/anna/", person=anna).status == 401
    refused = Visitor(site).get("/sign-in").submit("/sign-in", login="anna", password=PASSWORD)
    assert "The login or the password is wrong." in refused.text
    assert "Closed" in root.get("/administration/?state=disabled").text
    root.get(path).submit(f"{path}/enable")
    assert mine.get("/card/").status == 200
    assert site.call("PROPFIND", "/anna/", person=anna).status == 207
    said = mine.get("/settings/administrators").text
    assert "Account closed by the administrator root" in said
    assert "Account opened again by the administrator root" in said


def test_an_account_is_deleted_only_by_whoever_types_its_login(site: Site, root: Visitor) -> None:
    anna = person(site.database, "anna")
    path = f"/administration/people/{anna}/delete"
    page = root.get(path).submit(path, login="bo")
    assert (page.status, "This is not the login" in page.text) == (400, True)
    page = page.submit(path, login="anna")
    assert page.path == "/administration/"
    with site.database.reading() as session, pytest.raises(NotFound):
        accounts.find(session, "anna")
    assert "Account deleted anna by the administrator root" in root.get("/administration/acts").text


def test_somebody_is_invited_and_sent_a_link_for_a_new_password(cast_site: Site, cast: Cast) -> None:
    anna = Visitor(cast_site).signed_in(cast.ids["anna"])
    path = "/administration/invite"
    page = anna.get(path).submit(path, login="No Login", email="carl@example.org")
    assert "small letters or digits" in page.text
    page = page.submit(path, login="carl", email="nonsense")
    assert page.status == 400
    page = page.submit(path, login="carl", email="carl@example.org", language="zh-Hans")
    assert page.told == ["The account is made, and a letter with a link to choose a password is on its way."]
    assert messages(cast_site.database) == [("email", "carl@example.org", "welcome")]
    bo = f"/administration/people/{cast.ids['bo']}"
    assert "no e-mail address" in anna.get(bo).submit(f"{bo}/reset").told[0]
    cast_site.database.write(lambda session: addresses.add(session, cast.ids["bo"], EMAIL, "bo@example.org"))
    page = anna.get(bo).submit(f"{bo}/reset")
    assert page.told == ["A link for a new password is on its way to this person."]
    assert "bo@example.org" not in page.text


def test_no_page_of_theirs_shows_a_field_not_even_of_who_is_connected(site: Site, root: Visitor) -> None:
    """An administrator who is let see somebody's card sees it where everybody does, and not among the accounts."""
    with site.database.reading() as session:
        me = accounts.find(session, "root")
    (anna, _bo), secret = connected(site.database, "anna", "bo"), "+49 555 0199 0199"
    field(site.database, anna, "mobile", secret)
    field(site.database, me, "mobile", "+49 555 0199 0200")
    club = clubs.found(site.database)
    club.join(anna, [field(site.database, anna, "phone", "+49 555 0199 0201")])
    rules = [rule for rule in portal_of(site).url_map.iter_rules() if rule.endpoint.startswith("administration.")]
    for rule in rules:
        if "GET" in (rule.methods or ()):
            path = rule.rule.replace("<int:account_id>", str(anna)).replace("<int:organisation_id>", str(club.id))
            answer = root.get(f"{path}?q=555" if path == "/administration/" else path)
            assert answer.status == 200, path
            assert "555 0199" not in answer.text, path
    assert root.get(f"/people/{anna}").status == 404


def test_a_list_of_many_takes_as_many_statements_as_one_of_few(site: Site, root: Visitor) -> None:
    counts = set()
    for number in range(3):
        register(site.database, f"kim{number}")
        with sent(site.database.engine) as statements:
            page = root.get("/administration/?q=kim")
        assert len(page.document.xpath("//main//ul[contains(@class, 'list')]/li")) == number + 1
        counts.add(len(statements))
    assert len(counts) == 1


def test_what_waits_and_what_is_wrong_is_said(cast_site: Site, cast: Cast) -> None:
    anna = Visitor(cast_site).signed_in(cast.ids["anna"])
    assert "Nothing waits." in anna.get("/administration/messages").text
    path = "/administration/health"
    page = anna.get(path)
    assert "It can be read and written." in page.text
    assert "mail:" not in page.text
    assert "Wrong · mail" in page.submit(path).text


def test_what_was_given_up_is_listed_and_put_back_or_forgotten(cast_site: Site, cast: Cast) -> None:
    anna = Visitor(cast_site).signed_in(cast.ids["anna"])

    def post(to: str) -> bool:
        values = {"login": "bo", "link": "https://cards.example/"}
        return cast_site.database.write(lambda session: outbox.post(session, "email", to, "reset", **values))

    def give_up(letter: object) -> None:
        raise outbox.Undeliverable("550 refused")

    path = "/administration/messages"
    for to in ("bo@example.org", "chiara@example.net"):
        assert post(to)
    assert outbox.work(cast_site.database, {"email": give_up}) == 0
    page = anna.get(path)
    assert "2 times · 550 refused" in page.text
    assert "example.org" not in page.text
    assert page.submit(f"{path}/retry").told == ["All of it is tried again now."]
    assert messages(cast_site.database) == [
        ("email", "bo@example.org", "reset"),
        ("email", "chiara@example.net", "reset"),
    ]
    assert outbox.work(cast_site.database, {"email": give_up}) == 0
    page = anna.get(path).submit(f"{path}/drop")
    assert page.told == ["All of it is forgotten."]
    assert "Given up" not in page.text
    assert messages(cast_site.database) == []


def test_what_could_not_be_done_is_listed_and_tried_now(
    cast_site: Site, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, path = cast_site.database, "/administration/messages"
    anna = Visitor(cast_site).signed_in(cast.ids["anna"])
    assert "Whatever was tried could be done." in anna.get(path).text

    def fail(*_: object) -> object:
        raise ValueError("+49 555 0199 0199")

    for login in ("bo", "chiara"):
        database.write(partial(jobs.ask, kind=HOUSEHOLD, owner_id=cast.ids[login], at=now()))
    with monkeypatch.context() as planted:
        planted.setattr(following, "settle", fail)
        with pytest.raises(ValueError, match="0199"):
            following.work(database)
    page = anna.get(path)
    rows = [" ".join(row.text_content().split()) for row in page.document.xpath("//li[.//button[@name='job']]")]
    assert len(rows) == 2
    for login in ("bo", "chiara"):
        assert any(row.startswith(f"Let those follow who carry a field {login} failed 1 time in ") for row in rows)
    assert "ValueError (sync.reach, line " in page.text
    assert "+49 555" not in page.text
    assert anna.get("/administration/health").text.count("could not do 2 of what it tried") == 1
    assert following.work(database) == 0
    job = page.document.xpath("//button[@name='job']/@value")[0]
    assert anna.send(f"{ROOT}{path}/now", {"csrf_token": anna.token(), "job": job}).status == 303
    assert following.work(database) == 1
    assert anna.get(path).submit(f"{path}/now").told == ["It is tried now."]
    assert following.work(database) == 1
    assert "Whatever was tried could be done." in anna.get(path).text


def test_what_the_command_line_did_is_told_in_words(site: Site) -> None:
    anna = person(site.database, "anna")
    site.database.write(lambda session: administrators.set_password(session, anna, PASSWORD))
    mine = Visitor(site).signed_in(anna)
    assert "Password set by the server's command line" in mine.get("/settings/administrators").text
