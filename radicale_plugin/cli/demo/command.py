"""`evercard demo`: a server on this machine with a few people in it, and what to try with it."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import click

from radicale_plugin.cli.demo import stage
from radicale_plugin.cli.demo.cast import CAST
from radicale_plugin.cli.output import print_table
from radicale_plugin.server import serving
from sync.errors import InvalidInput

_HOLDER = "bo"
_CHANGE = ["profile", "set", "anna", "mobile:1", "+86 139 1234 5678"]


@click.command()
@click.option("--directory", default=".demo", show_default=True, help="Where the demo keeps its data.")
@click.option("--port", type=click.IntRange(1, 65535), default=5232, show_default=True)
def demo(directory: str, port: int) -> None:
    """Serve a few people on this machine, and say what to try."""
    try:
        serving.require_free(stage.ADDRESS, port)
    except InvalidInput as error:
        raise InvalidInput(f"{error} Choose another port with --port.") from error
    ready = stage.prepare(Path(directory), port)
    serving.serve(str(ready.configuration), lambda url: _say(url, ready))


def _say(url: str, ready: stage.Stage) -> None:
    click.echo(f"\nEvercard listens at {url} with these people:\n")
    rows = [
        (person.login, ready.devices[person.login].password, person.name, person.about)
        for person in CAST
        if person.login in ready.devices
    ]
    print_table(("Login", "Device password", "Name", "To Anna"), rows)
    click.echo(f"\nOpen {url}.web/ in a browser and sign in as one of them, with the password {ready.password}.")
    evercard = _command(ready)
    line = f"{evercard} {shlex.join(_CHANGE)} && curl -sK {shlex.quote(str(ready.curl(_HOLDER)))} | grep TEL"
    click.echo(
        "\nAdd one of these accounts to Thunderbird or another program: it gets the cards of the people they know,"
        "\nwith just what each shows them. Then see a change arrive. Paste this line into a second terminal: Anna"
        "\nchanges her mobile number, and her father's phone, which curl stands for, asks what is new.\n"
    )
    click.echo(f"  {line}\n")
    click.echo("What else there is:\n")
    for command in ("profile show anna", "preview anna --person david", "holders anna", "--help"):
        click.echo(f"  {evercard} {command}")
    click.echo(f"\nEverything is kept in {ready.directory}. Ctrl-C ends the demo.")
    sys.stdout.flush()


def _command(ready: stage.Stage) -> str:
    # As it can be typed from here: `make demo` is run by people without the environment activated.
    program = Path(sys.argv[0]).absolute()
    shown = shlex.quote(os.path.relpath(program) if program.is_relative_to(Path.cwd()) else str(program))
    if program.name != "evercard":
        shown = f"{shlex.quote(sys.executable)} -m radicale_plugin.cli"
    return f"{shown} -C {shlex.quote(str(ready.configuration))}"
