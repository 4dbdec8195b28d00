"""A name server that does not answer keeps only those waiting who want its names, and them for so long."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from sync.database.engine import Database
from sync.errors import LdapUnavailable, OrganisationUnavailable
from sync.ldap.client import Client
from sync.notify import look_ups, mail, outgoing, sms
from sync.notify.look_ups import LookUps
from sync.notify.outbox import Unreachable
from sync.openid.provider import Attempt, Provider
from sync.push.hosts import TOLERATED
from sync.settings import Ldap, Organisation, Sending
from tests.support import factories
from tests.support.push_service import PushService
from tests.support.subscribing import Telling, rows, set_all, subscribe, wanted

#: Seconds within which names are looked up here.
IN_TIME = 0.3


@dataclass
class Silent:
    """A name server that says nothing of names that end so until it is *released*, and that all others are here."""

    released: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)

    def getaddrinfo(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        """Answer as the standard library's does."""
        self.asked.append(host)
        if host.endswith(".silent.example"):
            self.released.wait(60)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


def threads() -> list[threading.Thread]:
    """Return what is asking now."""
    return [each for each in threading.enumerate() if each.name == "look-up"]


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Silent]:
    """A name server that does not answer; whoever still asks it is answered in the end, and leaves no thread."""
    server = Silent()
    monkeypatch.setattr(outgoing, "TO_LOOK_UP", IN_TIME)
    monkeypatch.setattr(look_ups, "_LOOK_UPS", LookUps())
    monkeypatch.setattr(socket, "getaddrinfo", server.getaddrinfo)
    yield server
    server.released.set()
    for each in threads():
        each.join(10)
    assert threads() == []


def took(what: Callable[[], object], expected: type[Exception]) -> float:
    """Return after how many seconds something fails."""
    began = time.monotonic()
    with pytest.raises(expected):
        what()
    return time.monotonic() - began


def test_a_name_without_an_answer_fails_in_time_and_then_at_once_and_is_asked_for_once(silent: Silent) -> None:
    ours = LookUps()
    find = partial(ours.find, "a.silent.example", 443, IN_TIME)
    assert IN_TIME <= took(find, TimeoutError) < 20 * IN_TIME
    assert took(find, TimeoutError) < IN_TIME
    assert (silent.asked, len(threads())) == (["a.silent.example"], 1)
    silent.released.set()
    for each in threads():
        each.join(10)
    assert ours.find("a.silent.example", 443, 60)[0][4] == ("127.0.0.1", 443)


def test_any_number_of_names_without_an_answer_leaves_room_for_those_that_were_answered(silent: Silent) -> None:
    ours = LookUps(most=6, of_unknown=4)
    ours.find("push.example", 443, IN_TIME)
    for number in range(8):
        assert took(partial(ours.find, f"{number}.silent.example", 443, 0.02), TimeoutError) < 20 * IN_TIME
    assert len(threads()) == 4
    took(partial(ours.find, "new.example", 443, 0.02), TimeoutError)
    assert ours.find("push.example", 443, IN_TIME)[0][4] == ("127.0.0.1", 443)


def test_an_error_of_the_resolver_is_whose_name_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for _ in range(2):
        with pytest.raises(socket.gaierror):
            LookUps().find("push.example", 443, 60)


def failed(database: Database, host: str) -> int:
    """Return to how many registrations at a host nothing could be sent."""
    return sum(row.attempts > 0 for row in rows(database) if row.host == host)


@pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
def test_push_services_whose_names_are_not_answered_keep_nobody_from_being_told_by_another(
    told: Database, worker: Telling, service: PushService, silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And each of them fails by that, so that it is left alone, and the worker can stop."""
    monkeypatch.setattr(outgoing, "TO_LOOK_UP", 2.0)
    people = factories.people(told, *(f"p{number}" for number in range(20)))
    phones = [service.subscribe() for _ in people]
    for number, (person, phone) in enumerate(zip(people, phones, strict=True)):
        subscribe(told, person, wanted(phone))
        for each in (number % 5, 5 + number):
            subscribe(told, person, wanted(PushService(f"http://{each}.silent.example").subscribe()))
    set_all(told, waiting_since=1, news=1, has_content=True)
    began = time.monotonic()
    worker.delivery.work()
    while len(service.received) < len(people) and time.monotonic() - began < 30:
        time.sleep(0.01)
    assert [len(service.of(phone)) for phone in phones] == [1] * len(people)
    # Not all of them have a thread of the worker's at once.
    while failed(told, "0.silent.example") < TOLERATED and time.monotonic() - began < 30:
        worker.work()
    assert failed(told, "0.silent.example") == TOLERATED
    assert time.monotonic() - began < 30, "the resolver never answers"
    asked = [host for host in silent.asked if host.endswith(".silent.example")]
    assert len(threads()) == len(set(asked)) == len(asked)
    worker.delivery.stop()


URL = "https://a.silent.example/x"
SENDING = Sending(smtp_host="a.silent.example", sms_url=URL, sms_body="{to}{text}")


def _provider() -> object:
    return Provider(Organisation(issuer=URL, client_id="us"), URL).begin(Attempt.begin())


CALLS: dict[str, tuple[Callable[[], object], type[Exception]]] = {
    "a mail server": (lambda: mail.try_out(SENDING, ""), Unreachable),
    "a gateway": (lambda: sms._resolve("a.silent.example", 443, allow_local=False), Unreachable),
    "a provider": (_provider, OrganisationUnavailable),
    "a directory": (lambda: Client(Ldap("ldaps://a.silent.example", base="dc=x")).try_out(), LdapUnavailable),
}


@pytest.mark.parametrize("who", CALLS)
def test_whatever_else_is_called_by_name_fails_in_time_as_well(silent: Silent, who: str) -> None:
    assert took(*CALLS[who]) < 20 * IN_TIME
    assert silent.asked == ["a.silent.example"]
