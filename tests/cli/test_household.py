"""`evercard household`."""

from __future__ import annotations

import pytest

from radicale_plugin import settings
from sync.household import following
from tests.cli.conftest import Command


@pytest.fixture
def family(evercard: Command) -> Command:
    """Anna and Bert, who are connected; Anna has a landline."""
    for login in ("anna", "bert"):
        evercard("user", "add", login)
    evercard("connect", "anna", "bert")
    evercard("profile", "add", "anna", "home-phone", "+49 30 5550100")
    return evercard


def follow() -> None:
    """Do what the worker does."""
    following.work(settings.database(settings.load(None)))


def offered(family: Command) -> str:
    """Let Anna offer her landline, and return by what it is named."""
    assert "bert is asked" in family("household", "offer", "anna", "home-phone", "bert")
    (row,) = family.json("household", "list", "bert")
    assert (row["way"], row["person"], row["field"], row["state"]) == ("from", "anna", "home-phone", "offered")
    number: str = row["id"]
    return number


def test_a_field_is_offered_carried_changed_once_and_left(family: Command) -> None:
    family("household", "accept", "bert", "anna", offered(family))
    family("profile", "set", "anna", "home-phone", "+49 30 5550101")
    follow()
    assert "5550101" in family("profile", "show", "bert")
    assert "carried" in family("household", "list", "anna")
    family("household", "leave", "bert", "home-phone")
    family("profile", "set", "anna", "home-phone", "+49 30 5550102")
    follow()
    assert "5550101" in family("profile", "show", "bert")
    assert [each["state"] for each in family.json("household", "list", "anna")] == ["left"]
    assert "do not carry" in family.error("household", "leave", "bert", "home-phone")


def test_a_field_of_ones_own_can_be_what_follows_and_be_deleted(family: Command) -> None:
    family("profile", "add", "bert", "home-phone", "+49 30 0")
    family("household", "accept", "bert", "anna", offered(family), "--instead-of", "home-phone")
    assert "5550100" in family("profile", "show", "bert")
    family("household", "leave", "bert", "home-phone", "--delete")
    assert "home-phone" not in family("profile", "show", "bert")


def test_who_says_no_has_nothing_and_what_is_taken_back_is_not_there_any_more(family: Command) -> None:
    number = offered(family)
    family("household", "decline", "bert", "anna", number)
    assert "home-phone" not in family("profile", "show", "bert")
    assert [each["state"] for each in family.json("household", "list", "anna")] == ["declined"]
    number = offered(family)
    family("household", "take-back", "anna", "home-phone", "bert")
    assert family.json("household", "list", "bert") == []
    assert "no such offer" in family.error("household", "accept", "bert", "anna", number)
