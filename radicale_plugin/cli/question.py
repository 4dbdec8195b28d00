"""`evercard question`: connecting by the answer to a question."""

from __future__ import annotations

import sys

import click

from radicale_plugin.cli.acting import of_one
from radicale_plugin.cli.site import Site, pass_site
from sync import meeting
from sync.accounts import preference_changes
from sync.database import accounts
from sync.errors import InvalidInput

_HERE = "command line"


@click.group()
def question() -> None:
    """A question by whose answer others connect at once."""


@question.command("set")
@click.argument("login")
@click.argument("text", metavar="QUESTION")
@click.option("--answer-stdin", is_flag=True, help="Read the answer from standard input.")
@pass_site
def set_question(site: Site, login: str, text: str, *, answer_stdin: bool) -> None:
    """Let whoever answers QUESTION connect at once. Capitals, spaces and punctuation make no difference."""
    said = _answer(given=answer_stdin)
    of_one(site, login, preference_changes.set_question, text, said)
    click.echo("The question is set.")


@question.command("remove")
@click.argument("login")
@pass_site
def remove_question(site: Site, login: str) -> None:
    """Ask no question any more; the person confirms instead."""
    of_one(site, login, preference_changes.remove_question)
    click.echo("The question is removed.")


@question.command("answer")
@click.argument("asker")
@click.argument("login")
@click.option("--answer-stdin", is_flag=True, help="Read the answer from standard input.")
@pass_site
def answer_question(site: Site, asker: str, login: str, *, answer_stdin: bool) -> None:
    """Answer LOGIN's question for ASKER, with the few tries that they have in the portal."""
    with site.read() as session:
        asker_id, target_id = accounts.find(session, asker), accounts.find(session, login)
    if not meeting.answer(site.database, asker_id, target_id, _answer(given=answer_stdin), _HERE):
        raise InvalidInput("The answer is wrong, or nobody can connect by answering.")
    click.echo(f"{asker} and {login} are connected.")


def _answer(*, given: bool) -> str:
    if not given and not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for the answer; use --answer-stdin.")
    if not given:
        return str(click.prompt("Answer", hide_input=True))
    try:
        return sys.stdin.buffer.read().decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InvalidInput("The answer is not UTF-8 text.") from error
