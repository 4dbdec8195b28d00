"""Messages: what is posted arrives once, in the reader's language, at nobody who wants none, and nothing is lost."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from importlib.resources import files
from string import Template

import pytest
from lxml import html
from sqlalchemy import select, update

from sync.database.engine import Database, Session
from sync.errors import InvalidInput, InvalidOneTimeToken
from sync.models import Message, now
from sync.notify import given_up, mail, outbox, sms, suppression, templates
from sync.settings import Sending, Settings
from tests.support.databases import opened
from tests.support.letters import Gateway, Mailbox, mail_server, sms_gateway, words

SITE = "https://cards.example.org"
ASKED = {"name": "Anna Berg", "message": "We met in Kyoto.", "link": f"{SITE}/.web/request?token=x"}


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A mail server."""
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway for text messages."""
    with sms_gateway() as gateway:
        yield gateway


@pytest.fixture
def sending(mailbox: Mailbox, gateway: Gateway) -> Sending:
    """Settings by which both are used."""
    return Sending(
        smtp_host="127.0.0.1",
        smtp_port=mailbox.port,
        smtp_security="none",
        mail_from="Evercard <cards@example.org>",
        sms_url=f"http://127.0.0.1:{gateway.port}/send?from=Evercard",
        sms_headers="Authorization: Bearer s3cret\nX-Kind: text",
        allow_local=True,
    )


@pytest.fixture
def site(database_url: str, sending: Sending) -> Iterator[Database]:
    """A database of a server that sends."""
    with opened(database_url, Settings(base_url=SITE, sending=sending)) as database:
        yield database


def post(site: Database, channel: str = "email", to: str = "bo@example.org", language: str = "en") -> bool:
    return site.write(lambda session: outbox.post(session, channel, to, "request", language, **ASKED))


def work(site: Database) -> int:
    settings = site.settings.sending
    return outbox.work(site, {"email": mail.sender(settings), "sms": sms.sender(settings)})


def waiting(site: Database) -> list[Message]:
    with site.reading() as session:
        return list(session.scalars(select(Message)))


def make_due(site: Database) -> None:
    site.write(lambda session: session.execute(update(Message).where(Message.bucket >= 0).values(due_at=now())))


def body(letter: EmailMessage) -> str:
    return words(letter)


def looks(letter: EmailMessage) -> str:
    found = letter.get_body(("html",))
    assert found is not None
    return str(found.get_content())


def test_an_email_arrives_once(site: Database, mailbox: Mailbox) -> None:
    assert post(site)
    assert (work(site), work(site)) == (1, 0)
    (letter,) = mailbox.letters
    assert letter["To"] == letter["X-Recipients"] == "bo@example.org"
    assert letter["From"].addresses[0].display_name == "Anna Berg (Evercard)"
    assert letter["From"].addresses[0].addr_spec == "cards@example.org"
    assert letter["Subject"] == "Anna Berg asks to be connected with you"
    assert ASKED["link"] in body(letter)
    assert "We met in Kyoto." in body(letter)
    assert letter["Auto-Submitted"] == "auto-generated"
    assert waiting(site) == []


def test_a_text_message_arrives_once(site: Database, gateway: Gateway) -> None:
    assert post(site, "sms", "+8613800138000", "zh-Hans")
    assert (work(site), work(site)) == (1, 0)
    (sent,) = gateway.bodies
    assert sent["to"] == "+8613800138000"
    assert sent["text"].startswith("Anna Berg 希望")
    assert gateway.headers[0]["Authorization"] == "Bearer s3cret"
    assert gateway.headers[0]["Host"] == f"127.0.0.1:{gateway.port}"


def test_a_message_speaks_the_readers_language(site: Database, mailbox: Mailbox) -> None:
    post(site, language="zh-Hans")
    post(site, language="tlh")
    work(site)
    assert {letter["Subject"] for letter in mailbox.letters} == {
        "Anna Berg 希望与您建立联系",
        "Anna Berg asks to be connected with you",
    }


def test_nothing_is_sent_of_a_transaction_that_failed(site: Database, mailbox: Mailbox) -> None:
    def fail(session: Session) -> None:
        outbox.post(session, "email", "bo@example.org", "request", **ASKED)
        raise InvalidInput

    with pytest.raises(InvalidInput):
        site.write(fail)
    assert work(site) == 0
    assert mailbox.letters == []


def test_what_cannot_be_sent_now_waits(site: Database, mailbox: Mailbox) -> None:
    mailbox.answers = ["451 later"]
    post(site)
    assert work(site) == 0
    assert waiting(site)[0].due_at > now()
    assert work(site) == 0
    make_due(site)
    assert work(site) == 1
    assert len(mailbox.letters) == 1


def test_a_mail_server_that_is_down_loses_nothing(site: Database, sending: Sending, mailbox: Mailbox) -> None:
    post(site)
    assert outbox.work(site, {"email": mail.sender(replace(sending, smtp_port=1))}) == 0
    make_due(site)
    assert work(site) == 1
    assert len(mailbox.letters) == 1


def test_what_is_refused_for_good_is_given_up(site: Database, mailbox: Mailbox, gateway: Gateway) -> None:
    mailbox.answers, gateway.statuses = ["554 no"], [400]
    post(site)
    post(site, "sms", "+8613800138000")
    assert work(site) == 0
    assert waiting(site) == []


@pytest.mark.parametrize("status", [302, 401, 429, 500, 503])
def test_a_gateway_in_trouble_loses_nothing(site: Database, gateway: Gateway, status: int) -> None:
    gateway.statuses = [status]
    post(site, "sms", "+8613800138000")
    assert work(site) == 0
    make_due(site)
    assert work(site) == 1


def test_what_cannot_be_sent_for_a_day_is_given_up(site: Database, mailbox: Mailbox) -> None:
    mailbox.answers = ["451 later"]
    post(site)
    long_ago = now() - outbox.PATIENCE
    site.write(lambda session: session.execute(update(Message).where(Message.bucket >= 0).values(created_at=long_ago)))
    assert work(site) == 0
    assert waiting(site) == []


def test_what_nobody_foresaw_keeps_no_other_message_and_is_given_up_in_the_end(
    site: Database, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    hand_over = mail.sender(site.settings.sending)

    def fail_at_one(letter: outbox.Letter) -> None:
        if letter.recipient == "poison@example.org":
            raise ValueError(letter.recipient)
        hand_over(letter)

    addresses = ("a@example.org", "poison@example.org", "b@example.org")
    assert all(post(site, to=to) for to in addresses)
    assert outbox.work(site, {"email": fail_at_one}) == 2
    assert [(message.recipient, message.due_at > now()) for message in waiting(site)] == [("poison@example.org", True)]
    long_ago = now() - outbox.PATIENCE
    site.write(
        lambda session: session.execute(
            update(Message).where(Message.bucket >= 0).values(created_at=long_ago, due_at=now())
        )
    )
    assert outbox.work(site, {"email": fail_at_one}) == 0
    assert waiting(site) == []
    with site.reading() as session:
        assert [each.reason for each in given_up.listed(session, 10)] == ["it cannot be sent (ValueError), for a day"]


def test_who_wants_no_messages_gets_none(site: Database, mailbox: Mailbox) -> None:
    post(site)
    work(site)
    link = mailbox.link(suppression.PURPOSE)
    assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in mailbox.raw[0]
    site.write(lambda session: suppression.suppress(session, link.partition("?token=")[2]))
    site.write(lambda session: suppression.suppress(session, link.partition("?token=")[2]))
    assert not post(site, to="BO@example.org")
    assert post(site, to="carl@example.org")
    asked_for = {"link": f"{SITE}/.web/confirm?token=x"}
    assert site.write(lambda session: outbox.post(session, "email", "bo@example.org", "confirm", **asked_for))


@pytest.mark.parametrize("made_up", ["", "abc", "ImEi.x", "\ud800", "é"])
def test_nobody_can_be_suppressed_with_a_made_up_link(site: Database, made_up: str) -> None:
    with pytest.raises(InvalidOneTimeToken):
        site.write(lambda session: suppression.suppress(session, made_up))


def test_a_server_without_mail_or_address_posts_nothing(
    database: Database, database_url: str, sending: Sending
) -> None:
    assert not post(database)
    nameless = Database(database_url, Settings(sending=sending))
    assert not post(nameless)
    nameless.dispose()


def test_what_people_write_cannot_add_a_header_or_turn_a_line_around(site: Database, mailbox: Mailbox) -> None:
    hostile = {**ASKED, "name": "Anna\r\nBcc: all@example.org\x1b[2J\u202e", "message": "$link ${name} \x00"}
    site.write(lambda session: outbox.post(session, "email", "bo@example.org", "request", **hostile))
    work(site)
    (letter,) = mailbox.letters
    assert letter["Bcc"] is None
    assert letter["Subject"] == "Anna Bcc: all@example.org[2J asks to be connected with you"
    assert "$link ${name}" in body(letter)
    assert letter["From"].addresses[0].display_name == "Anna Bcc: all@example.org[2J (Evercard)"
    assert len(letter["From"].addresses) == 1


def test_an_email_looks_like_its_plain_text(site: Database, mailbox: Mailbox) -> None:
    """The same words, with a button; what somebody wrote is no markup and no link, and nothing is fetched."""
    hostile = {
        **ASKED,
        "message": "<img src=https://evil.example/x>\nhttps://evil.example/\n\nAll: https://evil.example/",
    }
    site.write(lambda session: outbox.post(session, "email", "bo@example.org", "request", **hostile))
    work(site)
    (letter,) = mailbox.letters
    shown = html.fromstring(looks(letter))
    unsubscribe = str(letter["List-Unsubscribe"]).strip("<>")
    assert [str(address) for address in shown.xpath("//a/@href")] == [ASKED["link"], unsubscribe]
    assert shown.xpath("//@src | //link | //script | //img") == []
    assert all(word not in looks(letter) for word in ("url(", "@import"))
    said = " ".join(str(shown.xpath("string(//body)")).split())
    for line in body(letter).splitlines():
        if line and not line.startswith(ASKED["link"]) and unsubscribe not in line:
            assert " ".join(line.rstrip(":").split()) in said


def test_the_log_names_nobody(site: Database, mailbox: Mailbox, caplog: pytest.LogCaptureFixture) -> None:
    mailbox.answers = ["554 bo@example.org does not live here"]
    with caplog.at_level(logging.DEBUG, "evercard"):
        post(site)
        work(site)
    said = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("evercard"))
    assert "given up" in said
    assert "bo@" not in said
    assert "Anna" not in said


@pytest.mark.parametrize(
    "address", ["http://example.org/", "ftp://example.org/", "https:///", "", "file:///etc/passwd"]
)
def test_a_gateway_has_a_public_https_address(address: str) -> None:
    with pytest.raises(InvalidInput):
        sms.sender(Sending(sms_url=address))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254", "[fd00::1]"])
def test_a_gateway_at_a_local_address_is_not_called(site: Database, host: str) -> None:
    post(site, "sms", "+8613800138000")
    refused = sms.sender(Sending(sms_url=f"https://{host}/send"))
    with pytest.raises(outbox.Unreachable, match="not public"):
        refused(outbox.Letter(1, "+8613800138000", templates.Text("", "Hello"), None))


@pytest.mark.parametrize("language", templates.LANGUAGES)
def test_every_language_has_every_text_with_the_same_values(language: str) -> None:
    english = files("sync.notify").joinpath("texts", "en")
    names = sorted(entry.name for entry in english.iterdir())
    there = files("sync.notify").joinpath("texts", language)
    assert sorted(entry.name for entry in there.iterdir()) == names
    for name in names:
        wanted, found = (
            set(Template(place.joinpath(name).read_text(encoding="utf-8")).get_identifiers())
            for place in (english, there)
        )
        assert found == wanted, name
    unasked = [name for name in names if name.partition(".")[0] in outbox.UNASKED]
    assert all("$unsubscribe" in there.joinpath(name).read_text(encoding="utf-8") for name in unasked)
