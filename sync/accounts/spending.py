"""
How much anybody writes, counted in memory by each process.

The allowance is far beyond what an honest phone sends, first synchronizations included; it ends what goes on without an
end. So it needs no table, and costs a request nothing.
"""

from __future__ import annotations

import threading
import time

from sync.accounts.rate_limits import DAY
from sync.errors import TooManyTries

#: A change counts once, and once more for each so many octets.
OCTETS = 16_384
#: How many people are remembered; who has not written for a day needs not be.
_MOST = 100_000


class Spending:
    """What the people of one process may write still."""

    def __init__(self, writes_a_day: int) -> None:
        """Give everybody an allowance of so many writes, which comes back within a day."""
        self._step = DAY / writes_a_day
        self._lock = threading.Lock()
        #: When the allowance of an account will be whole again.
        self._whole_at: dict[int, float] = {}

    def spend(self, account_id: int, octets: int = 0) -> None:
        """
        Take a change of so many *octets* from a person's allowance.

        Raises:
            TooManyTries: There is not so much left of it.
        """
        at, cost = time.monotonic(), self._step * (1 + octets // OCTETS)
        with self._lock:
            whole_at = max(at, self._whole_at.get(account_id, at)) + cost
            if whole_at - at > DAY:
                raise TooManyTries(max(1, int(whole_at - at - DAY)))
            self._whole_at[account_id] = whole_at
            if len(self._whole_at) > _MOST:
                self._whole_at = {account: until for account, until in self._whole_at.items() if until > at}
