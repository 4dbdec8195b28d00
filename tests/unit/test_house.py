"""What holds for every file of the repository, whatever its language."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: No registry and no machine's own place belongs into a file. In two parts each, so that this file may be checked too.
FORBIDDEN = [
    "pypi.org" + "/simple",
    "files.pythonhosted" + ".org",
    "registry.npmjs" + ".org",
    "registry.yarnpkg" + ".com",
    "--index" + "-url",
    "--extra-index" + "-url",
    "--find" + "-links",
    "/wor" + "k/",
    "/roo" + "t/",
]
#: Cards stay as some client sent them, and files of others as they were published.
AS_CAPTURED = (".vcf", ".min.css", ".min.js")


def listed(*options: str) -> list[str]:
    """Return what git says of each file that it knows."""
    # The checkout may belong to another user than the one who tests.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", *options]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")


@cache
def texts() -> dict[str, str]:
    """Return the content of every text file that git knows, by path."""
    contents = {path: (ROOT / path).read_bytes() for path in listed() if (ROOT / path).is_file()}
    return {path: content.decode("utf-8", "replace") for path, content in contents.items() if b"\0" not in content}


@pytest.mark.parametrize("word", FORBIDDEN)
def test_no_file_names_a_place_of_one_machine_or_registry(word: str) -> None:
    assert [path for path, text in texts().items() if word in text] == []


def test_no_file_is_a_link() -> None:
    """One that leads out of the repository, such as to somebody's environment, takes the place of what others have."""
    assert [entry for entry in listed("--stage") if entry.startswith("120000")] == []


def test_every_file_ends_with_one_line_end() -> None:
    written = {path: text for path, text in texts().items() if text and not path.endswith(AS_CAPTURED)}
    assert [path for path, text in written.items() if text.rstrip("\n") + "\n" != text] == []


def test_no_line_ends_in_spaces() -> None:
    found = [
        f"{path}:{number}"
        for path, text in texts().items()
        if not path.endswith(AS_CAPTURED)
        for number, line in enumerate(text.splitlines(), 1)
        if line != line.rstrip()
    ]
    assert found == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_pins_every_package_with_a_hash(name: str) -> None:
    entries = texts()[name].replace("\\\n", " ").splitlines()
    pins = [entry for entry in entries if entry and not entry.lstrip().startswith("#")]
    assert pins
    assert [pin.split()[0] for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == []
