"""How much anybody writes: more than any phone, but not without an end."""

from __future__ import annotations

import time

import pytest

from sync.accounts.rate_limits import DAY
from sync.accounts.spending import Spending
from sync.errors import TooManyTries
from sync.settings import Limits


def test_a_first_synchronization_is_far_below_the_allowance() -> None:
    """Ten thousand contacts with pictures of 30 kB, put twice."""
    spending = Spending(Limits().writes_a_day)
    for _ in range(20_000):
        spending.spend(1, 30_000)


def test_what_goes_on_without_an_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    spending, at = Spending(100), time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: at)
    for _ in range(100):
        spending.spend(1)
    with pytest.raises(TooManyTries) as refused:
        spending.spend(1)
    spending.spend(2)
    monkeypatch.setattr(time, "monotonic", lambda: at + refused.value.seconds + 1)
    spending.spend(1)
    with pytest.raises(TooManyTries):
        spending.spend(1)


def test_a_large_change_counts_as_several(monkeypatch: pytest.MonkeyPatch) -> None:
    at = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: at)
    spending = Spending(1_000)
    for _ in range(1_000 // 16):
        spending.spend(1, 250_000)
    with pytest.raises(TooManyTries):
        spending.spend(1, 250_000)


def test_nobody_is_remembered_for_longer_than_it_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.accounts.spending._MOST", 10)
    spending, at = Spending(100), time.monotonic()
    for day in range(5):
        monkeypatch.setattr(time, "monotonic", lambda day=day: at + day * DAY)
        for account_id in range(10):
            spending.spend(day * 10 + account_id)
    assert len(spending._whole_at) <= 11
