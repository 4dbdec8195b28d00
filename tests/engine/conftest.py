"""What every test of the engine is watched for: SQL that could not be spread over several machines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.statements import Recorder

#: One for each process, so that a statement is judged once.
RECORDER = Recorder()


@pytest.fixture(autouse=True)
def _every_statement_can_be_spread() -> Iterator[None]:
    """Fail the first test in which the engine sends a statement that breaks the rules of `tests.support.statements`."""
    with RECORDER.recording() as faults:
        yield
    assert not faults, "\n".join(f"{', '.join(found)}:\n  {text}" for text, found in faults.items())
