"""
How much anybody writes, counted in memory, so that it costs a request next to nothing.

The allowance is far beyond what an honest phone sends, first synchronizations included.
"""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager

from sync.accounts.rate_limits import DAY
from sync.errors import TooManyTries

#: A change counts once, and once more for each so many octets.
OCTETS = 16_384
#: A day in nanoseconds: whole numbers, so that no sum of many shares is a little more than the whole.
_DAY = DAY * 10**9
#: How many people are remembered; who has not written for a day needs not be.
_MOST = 100_000


class Spending:
    """What people may write still, in one process; subclasses may count for more of them."""

    def __init__(self, writes_a_day: int) -> None:
        """Give everybody an allowance of so many writes, which comes back within a day."""
        self._step = _DAY // writes_a_day
        self._lock: AbstractContextManager[object] = threading.Lock()
        #: When the allowance of an account will be whole again, in nanoseconds of the monotonic clock.
        self._whole_at: dict[int, int] = {}

    def spend(self, account_id: int, octets: int = 0) -> None:
        """
        Take a change of so many *octets* from a person's allowance.

        Raises:
            TooManyTries: There is not so much left of it.
        """
        at, cost = time.monotonic_ns(), self._step * (1 + octets // OCTETS)
        with self._lock:
            whole_at = max(at, self._get(account_id)) + cost
            if whole_at - at > _DAY:
                raise TooManyTries(max(1, (whole_at - at - _DAY) // 10**9))
            self._set(account_id, whole_at, at)

    def _get(self, account_id: int) -> int:
        return self._whole_at.get(account_id, 0)

    def _set(self, account_id: int, whole_at: int, at: int) -> None:
        self._whole_at[account_id] = whole_at
        if len(self._whole_at) > _MOST:
            self._whole_at = {account: until for account, until in self._whole_at.items() if until > at}
