"""`evercard link`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Command


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that was told its address."""
    monkeypatch.setenv("EVERCARD_BASE_URL", "https://cards.example")


def test_a_link_is_made_listed_and_ended(anna: Command) -> None:
    anna("group", "create", "anna", "clients")
    made = anna.json("link", "make", "anna", "clients", "--label", "door", "--until", "2031-11-29T18:00+08:00")
    assert made["address"].startswith("https://")
    assert made["server"].endswith(f"/{made['login']}/")
    (listed,) = anna.json("link", "list", "anna")
    assert (listed["label"], listed["group"], listed["until"]) == ("door", "clients", "2031-11-29 18:00 (UTC+08:00)")
    assert (listed["opened"], listed["downloaded"], listed["fetched"]) == (0, 0, 0)
    table = anna("link", "list", "anna")
    assert "door" in table
    assert made["password"] not in table
    assert anna("link", "end", "anna", "door") == "The link is ended.\n"
    assert anna.json("link", "list", "anna") == []


def test_what_cannot_be_is_refused_with_a_sentence(anna: Command) -> None:
    assert "no group 'clients'" in anna.error("link", "make", "anna", "clients")
    assert "at least a minute" in anna.error("link", "make", "anna", "strangers", "--until", "2020-01-01")
    assert "no link 'x'" in anna.error("link", "end", "anna", "x")
    for _ in range(20):
        anna("link", "make", "anna", "strangers", "--label", "same")
    assert "at most 20" in anna.error("link", "make", "anna", "strangers")
    assert "Several" in anna.error("link", "end", "anna", "same")


def test_a_server_that_was_not_told_its_address_makes_none(anna: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVERCARD_BASE_URL")
    assert "base_url" in anna.error("link", "make", "anna", "strangers")
    assert anna.json("link", "list", "anna") == []
