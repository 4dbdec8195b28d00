"""An attempt says what went wrong, and nothing of what it went wrong with."""

from __future__ import annotations

import pytest

from sync.books.attempts import Attempt


def test_there_is_no_trouble_where_nothing_went_wrong() -> None:
    with Attempt() as attempt:
        pass
    assert attempt.trouble == ""


def test_an_error_is_named_by_its_sort_and_place_but_not_by_its_value() -> None:
    with Attempt() as attempt:
        int("secret")
    assert attempt.trouble.startswith("ValueError in test_attempts.py, line ")
    assert "secret" not in attempt.trouble


def test_what_ends_the_program_ends_it() -> None:
    with pytest.raises(KeyboardInterrupt), Attempt():
        raise KeyboardInterrupt
