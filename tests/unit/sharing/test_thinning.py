"""Which earlier states of a profile go, so that it keeps within its budget."""

from __future__ import annotations

from itertools import pairwise

from sync.disclosure.profile_thinning import Past, superfluous

MUCH = 10**9


def test_what_fits_stays() -> None:
    past = [Past(1, version, version + 1, 10) for version in range(1, 9)]
    assert superfluous(range(9, 0, -1), past, 9, 80) == set()


def test_of_many_states_there_are_the_fewer_the_older_they_are() -> None:
    versions = range(1_000, 0, -1)
    gone = superfluous(versions, [], 12, MUCH)
    left = [version for version in versions if version not in gone]
    assert (len(left), left[:2]) == (12, [1_000, 999])
    gaps = [newer - older for newer, older in pairwise(left)]
    assert gaps[1] < gaps[-1]


def test_states_go_until_what_they_need_fits() -> None:
    """A picture that several states need goes with the last of them, so small states around a large one are no use."""
    past = [Past(1, first, first + 10, 100) for first in range(1, 101, 10)]
    versions = range(101, 0, -1)
    gone = superfluous(versions, past, MUCH, 300)
    left = [version for version in versions if version not in gone]
    needed = [each for each in past if any(each.since <= version < each.until for version in left)]
    assert sum(each.size for each in needed) <= 300
    assert past[-1] in needed
    assert len(left) > 3


def test_the_state_that_is_now_stays_whatever_the_budget() -> None:
    past = [Past(1, version, version + 1, 10) for version in range(1, 9)]
    assert superfluous(range(9, 0, -1), past, 0, 0) == set(range(1, 9))
