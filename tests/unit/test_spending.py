"""How much anybody writes: more than any phone, but not without an end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from radicale_plugin.server import running
from radicale_plugin.server.shared_spending import SLOTS, SharedSpending
from sync.accounts.rate_limits import DAY
from sync.accounts.spending import Spending
from sync.errors import TooManyTries
from sync.settings import Limits

ROOT = Path(__file__).parents[2]


def test_a_first_synchronization_is_far_below_the_allowance() -> None:
    """Ten thousand contacts with pictures of 30 kB, put twice."""
    spending = Spending(Limits().writes_a_day)
    for _ in range(20_000):
        spending.spend(1, 30_000)


@pytest.mark.parametrize("at", [1, 10**9 // 3, 26_487_531_934_562_777, 2**62 // 3], ids=str)
def test_what_goes_on_without_an_end_is_ended(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the machine has been up."""
    spending = Spending(100)
    monkeypatch.setattr(time, "monotonic_ns", lambda: at)
    for _ in range(100):
        spending.spend(1)
    with pytest.raises(TooManyTries) as refused:
        spending.spend(1)
    spending.spend(2)
    monkeypatch.setattr(time, "monotonic_ns", lambda: at + (refused.value.seconds + 1) * 10**9)
    spending.spend(1)
    with pytest.raises(TooManyTries):
        spending.spend(1)


def test_a_large_change_counts_as_several(monkeypatch: pytest.MonkeyPatch) -> None:
    at = time.monotonic_ns()
    monkeypatch.setattr(time, "monotonic_ns", lambda: at)
    spending = Spending(1_000)
    for _ in range(1_000 // 16):
        spending.spend(1, 250_000)
    with pytest.raises(TooManyTries):
        spending.spend(1, 250_000)


def test_nobody_is_remembered_for_longer_than_it_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.accounts.spending._MOST", 10)
    spending, at = Spending(100), time.monotonic_ns()
    for day in range(5):
        monkeypatch.setattr(time, "monotonic_ns", lambda day=day: at + day * DAY * 10**9)
        for account_id in range(10):
            spending.spend(day * 10 + account_id)
    assert len(spending._whole_at) <= 11


def count(path: Path, account_id: int) -> int:
    """Write as long as another process may, and return how often that was."""
    program = (
        "import sys; from pathlib import Path; from tests.unit.test_spending import spent; print(spent(*sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, str(path), str(account_id)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)


def spent(path: str, account_id: str) -> int:
    """Write as long as this process may, and return how often that was."""
    spending = SharedSpending(100, Path(path))
    for number in range(1_000):
        try:
            spending.spend(int(account_id))
        except TooManyTries:
            return number
    return 1_000


def test_processes_share_one_allowance(tmp_path: Path) -> None:
    path = tmp_path / "shared"
    one, other = SharedSpending(100, path), SharedSpending(100, path)
    for _ in range(30):
        one.spend(2**62 + 1)
        other.spend(2**62 + 1)
    assert 40 <= count(path, 2**62 + 1) <= 41
    with pytest.raises(TooManyTries):
        one.spend(2**62 + 1)
    assert 100 <= count(path, 2) <= 101
    assert path.stat().st_mode & 0o777 == 0o600


def test_more_people_than_there_is_room_for_near_each_other_are_served(tmp_path: Path) -> None:
    """Where people's slots are taken, who has written least is forgotten, and who writes most is not."""
    spending = SharedSpending(100, tmp_path / "shared")
    for _ in range(100):
        spending.spend(7)
    for number in range(1, 40):
        spending.spend(7 + number * SLOTS)
    with pytest.raises(TooManyTries):
        spending.spend(7)


def test_threads_share_one_allowance(tmp_path: Path) -> None:
    spending, path = SharedSpending(100, tmp_path / "shared"), tmp_path / "shared"
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(spent(str(path), "5"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 100 <= sum(found) <= 101
    with pytest.raises(TooManyTries):
        spending.spend(5)


def test_all_that_serves_people_counts_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The processes of a server and, in each of them, the portal beside the address books."""
    monkeypatch.setenv(running.DIRECTORY, str(tmp_path))
    portal, books = running.spending(100), running.spending(100)
    for _ in range(50):
        portal.spend(3)
        books.spend(3)
    with pytest.raises(TooManyTries):
        portal.spend(3)
    monkeypatch.delenv(running.DIRECTORY)
    running.spending(100).spend(3)
