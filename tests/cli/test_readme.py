"""What README.md shows of the command line works as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Command

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def commands() -> list[list[str]]:
    """Return the commands in the section about the command line, without their first word."""
    section = README.partition("## The command line")[2].partition("\n## ")[0]
    block = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[0]
    return [shlex.split(line, comments=True)[1:] for line in block.splitlines() if line]


def test_every_command_in_the_readme_works(evercard: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (64, 64), "red").save("anna.jpg")
    Path("anna.vcf").write_text("BEGIN:VCARD\nVERSION:3.0\nFN:陈安娜 Anna Chen\nNICKNAME:Anna\nEND:VCARD\n", "utf-8")
    assert len(commands()) > 10
    for command in commands():
        evercard(*command)
    assert evercard.run("verify").exit_code == 0
