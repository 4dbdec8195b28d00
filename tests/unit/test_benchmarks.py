"""The benchmarks run, and print ratios. What the ratios are is for people to read: no test depends on a time."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import postgresql

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(file.stem for file in (ROOT / "benchmarks").glob("bench_*.py"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_benchmark_runs_and_prints_ratios(script: str, run_directory: Path) -> None:
    environment = dict(os.environ)
    with contextlib.suppress(postgresql.Unavailable):
        # Where figures are of no interest, they need no cluster of their own.
        environment["EVERCARD_TEST_POSTGRESQL"] = postgresql.server(run_directory)
    command = [sys.executable, "-m", f"benchmarks.{script}", "--quick"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert re.search(r"\d\.\d\d x", result.stdout)
