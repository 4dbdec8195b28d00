"""
A machine whose devices are told of changes by a push service, and what they have to have been told.

A registration is owed a message as soon as its person's address book is in another state, which it is if, and only if,
there is something to see that was not there before (`Watched.compare`). A worker that is left alone says it once, with
the state that the book has then, and nothing to anybody else. One that is killed may have said it and nobody knows:
then, and only then, it may be said again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from sync.push.connection import tls_context
from sync.push.lanes import Lane
from tests.properties.watch import Watched
from tests.properties.world import Service
from tests.support import dav, registering
from tests.support.machines import CHOICE, UNANSWERED, one_of
from tests.support.push_service import Received
from tests.support.registering import Registration
from tests.support.subscribing import Telling, set_all, telling

#: After how much of its work a worker is killed: finding what is due, reading, sending, or writing down some of it.
DEATH = st.none() | st.integers(0, 15) | st.integers(0, 15) | st.just(UNANSWERED)
#: Whom a device names that are not to hear of what it writes: mostly itself, as DAVx5 does.
NAMED = st.sampled_from(["itself", "itself", "nobody", "everybody", "all others"])
CONTEXT = tls_context()


@dataclass(eq=False)
class Owed:
    """What one registration is to be told: it *is_owed* a message; it *may_repeat* one that nobody knows of."""

    registration: Registration
    is_owed: bool = False
    may_repeat: bool = False


class Told(Watched):
    """A machine that registers devices, lets the worker tell them, and looks at what they were told."""

    def __init__(self, service: Service) -> None:
        """Begin with no registration."""
        super().__init__(service)
        self.registered: list[Owed] = []
        self.silent: list[Owed] = []
        #: Push resources that devices left.
        self.left: set[str] = set()

    def register(self, client: dav.Client) -> None:
        """Let a device register."""
        self.registered.append(Owed(registering.register(self.world.service.push, client)))

    def of(self, login: str) -> list[Owed]:
        """Return the registrations of somebody's devices."""
        return [each for each in self.registered if each.registration.client.login == login]

    @contextmanager
    def writing(self, login: str, named: str) -> Iterator[None]:
        """Let what somebody's first device writes in the block name some registrations that are not to hear of it."""
        client, theirs = self.world.clients[login], self.of(login)
        mine = [each for each in theirs if each.registration.client is client]
        # That others do not hear of it is not a device's to say.
        chosen = {"itself": mine, "nobody": [], "all others": [each for each in self.registered if each not in mine]}
        urls = [f'"{each.registration.url}"' for each in chosen.get(named, [])]
        with client.silencing("*" if named == "everybody" else ", ".join(urls)):
            yield
        self.silent = {"itself": mine, "everybody": theirs}.get(named, [])

    def note_news(self) -> None:
        """Note who is owed a message after one event, of which all that is new is known by now."""
        for each in self.registered:
            now = self.seen[each.registration.client.login].token
            if now != each.registration.token:
                each.registration.token = now
                each.is_owed = each.is_owed or each not in self.silent
        self.silent = []

    def forget_tokens(self) -> None:
        """Take the states that address books are in for known: nothing is to be told of them."""
        for each in self.registered:
            each.registration.token = self.seen[each.registration.client.login].token

    @rule(choice=CHOICE, moves=st.booleans())
    @precondition(lambda self: bool(self.registered))
    def register_again(self, choice: int, *, moves: bool) -> None:
        """Let a device renew its registration, or leave it for one with another push resource."""
        each = one_of(self.registered, choice)
        if not moves:
            each.registration.renew()
            return
        each.registration.leave()
        self.registered.remove(each)
        self.left.add(each.registration.subscriber.url)
        self.register(each.registration.client)

    @rule(kill=DEATH)
    def tell(self, kill: int | None) -> None:
        """Let a worker that just began tell everybody; what others had begun is over. Perhaps it is killed at it."""
        service = self.world.service
        set_all(service.database, not_before=0)
        worker = telling(service.database, CONTEXT)
        with service.kills.after(kill):
            # Where it is to be killed, it is one of its threads, which runs here.
            worker.work() if kill is None else self._send(worker)
        said = service.push.taken()
        assert service.push.broken == []
        assert not self.left & said.keys(), "it was told after it had left"
        for each in self.registered:
            self._check(each, said.get(each.registration.subscriber.url, []), is_dead=service.kills.is_dead)

    def _send(self, worker: Telling) -> None:
        with Lane(worker.delivery._shared, self.world.service.push.host) as lane:
            while lane.send_some():
                pass

    def _check(self, each: Owed, said: list[Received], *, is_dead: bool) -> None:
        assert len(said) <= 1, "it was told twice"
        assert all(each.registration.says(message) for message in said), "it was told something else"
        assert not said or each.is_owed or each.may_repeat, "it was told of nothing"
        if not is_dead:
            assert said or not each.is_owed, "it was not told"
            each.is_owed = each.may_repeat = False
        elif said:
            each.is_owed, each.may_repeat = False, True
