"""The `evercard` command: its parts, its option for all of them, and how errors are told."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any

import click
from typing_extensions import override

from radicale_plugin.cli.lazy import LazyGroup, Part
from radicale_plugin.cli.site import Site
from sync.errors import DatabaseUnavailable, EvercardError

#: Every command, with its line in the list of them, which is read without reading any of them.
PARTS = {
    "address": Part(
        "radicale_plugin.cli.address:address", "E-mail addresses and phone numbers that are known to be a person's."
    ),
    "backup": Part(
        "radicale_plugin.cli.backup:backup", "Write everything that this server is into one file, while it runs."
    ),
    "block": Part("radicale_plugin.cli.block:block", "Let LOGIN have nothing to do with OTHER, who is not told."),
    "blocked": Part("radicale_plugin.cli.block:blocked", "List whom a person has blocked."),
    "book": Part("radicale_plugin.cli.book:book", "Address books of an organisation, of contacts without accounts."),
    "calendar": Part(
        "radicale_plugin.cli.calendar:calendar", "Birthdays as a calendar, each under a secret address of its own."
    ),
    "check": Part(
        "radicale_plugin.cli.check:check", "Name what is doubtful about this installation, and try what it needs."
    ),
    "connect": Part("radicale_plugin.cli.connect:connect", "Put two people into each other's address book."),
    "contact": Part(
        "radicale_plugin.cli.contact:contact",
        "A person's own contacts: listed, and those that are one person made one by choice.",
    ),
    "demo": Part("radicale_plugin.cli.demo.command:demo", "Serve a few people on this machine, and say what to try."),
    "device": Part("radicale_plugin.cli.device:device", "Phones and programs, each with a password of its own."),
    "digest": Part(
        "radicale_plugin.cli.digest:digest",
        "An e-mail that tells a person, once a day at most, whose cards changed.",
    ),
    "disconnect": Part(
        "radicale_plugin.cli.connect:disconnect", "Take two people out of each other's address book and groups."
    ),
    "entry": Part(
        "radicale_plugin.cli.entry:entry",
        "What a person's devices wrote: private contacts, and additions to other people's cards.",
        ("radicale_plugin.cli.entry:import_entries",),
    ),
    "find": Part(
        "radicale_plugin.cli.find:find",
        "Look for somebody as SEARCHER does, by exact login, e-mail address, phone number or name.",
    ),
    "friend": Part("radicale_plugin.cli.friend:friend", "Connections that a person lets their other connections see."),
    "grant": Part(
        "radicale_plugin.cli.grant:grant", "Which group may see which fields; and exceptions for single people."
    ),
    "group": Part("radicale_plugin.cli.group:group", "Groups of the people whom a person is connected to."),
    "hidden": Part(
        "radicale_plugin.cli.hidden:hidden", "List whom a person deleted on a device; they are still connected."
    ),
    "doubt": Part("radicale_plugin.cli.doubt:doubt", "What holders of a card say is not right any more on it."),
    "end": Part("radicale_plugin.cli.end:end", "What a person gave until a certain time."),
    "holders": Part(
        "radicale_plugin.cli.holders:holders",
        "List who has OWNER's card, with which fields, and whether it has reached their devices.",
    ),
    "household": Part("radicale_plugin.cli.household:household", "Fields that several people have on their cards."),
    "ldap": Part(
        "radicale_plugin.cli.ldap:ldap", "The directory of an organisation, whose passwords people sign in with."
    ),
    "link": Part(
        "radicale_plugin.cli.link:link", "The card of one of a person's groups, for people without an account."
    ),
    "migrate": Part("radicale_plugin.cli.migrate:migrate", "Bring the database to the newest version of its schema."),
    "organisation": Part("radicale_plugin.cli.organisation:organisation", "Households, clubs and companies."),
    "outbox": Part(
        "radicale_plugin.cli.outbox:outbox",
        "What waits to be sent and done, what fails, and what was given up (dead letters).",
    ),
    "people": Part("radicale_plugin.cli.people:people", "Many people at once."),
    "preference": Part(
        "radicale_plugin.cli.preference:preference", "What a person decided about being found and connected."
    ),
    "preview": Part("radicale_plugin.cli.preview:preview", "Show OWNER's card as others get it."),
    "profile": Part(
        "radicale_plugin.cli.profile:profile",
        "What a person keeps about themselves.",
        ("radicale_plugin.cli.profile:profile_history", "radicale_plugin.cli.profile:profile_restore"),
    ),
    "proposal": Part("radicale_plugin.cli.proposal:proposal", "Whom devices moved between the lists of groups."),
    "push": Part(
        "radicale_plugin.cli.push:push",
        "Devices that are told of changes at once.",
    ),
    "question": Part("radicale_plugin.cli.question:question", "A question by whose answer others connect at once."),
    "render": Part(
        "radicale_plugin.cli.render:render", "Write every card anew, as this version of Evercard writes it."
    ),
    "request": Part("radicale_plugin.cli.request:request", "Requests to be connected."),
    "restore": Part(
        "radicale_plugin.cli.backup:restore",
        "Make the database what it was when `evercard backup` wrote FILE, while the server is stopped.",
    ),
    "restored": Part(
        "radicale_plugin.cli.backup:restored",
        "To be run once after a backup was put back, while the server is stopped.",
    ),
    "scim": Part("radicale_plugin.cli.scim:scim", "An organisation that tells of its people (SCIM)."),
    "serve": Part("radicale_plugin.cli.serve:serve", "Serve address books until stopped."),
    "show": Part(
        "radicale_plugin.cli.hidden:show", "Bring back to VIEWER's devices the entry of OWNER that was deleted there."
    ),
    "unblock": Part("radicale_plugin.cli.block:unblock", "Take a block back."),
    "user": Part(
        "radicale_plugin.cli.user:user",
        "People who have an account here.",
        ("radicale_plugin.cli.user:export_user", "radicale_plugin.cli.user:delete_user"),
    ),
    "verify": Part(
        "radicale_plugin.cli.verify:verify",
        "Check that the database keeps every promise, and say what is wrong, a line for each.",
    ),
    "worker": Part(
        "radicale_plugin.cli.serve:run_worker", "Do what changes leave to be done, beside the server or without it."
    ),
}


class Commands(LazyGroup):
    """All commands, which tell errors in one line."""

    parts = PARTS

    @override
    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the options in front of the command."""
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            raise _in_one_line(error) from error

    @override
    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was chosen."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise _in_one_line(error) from error
        except DatabaseUnavailable as error:
            raise click.ClickException(f"{error} ({error.reason})" if error.reason else str(error)) from error
        except EvercardError as error:
            # What a library said about a file may have several lines.
            raise click.ClickException(" ".join(str(error).split())) from error
        except UnicodeEncodeError as error:
            raise click.ClickException("An argument is not UTF-8 text.") from error


def _in_one_line(error: click.UsageError) -> click.UsageError:
    if isinstance(error, click.exceptions.NoArgsIsHelpError) or error.ctx is None:
        return error
    message = f"{error.format_message().rstrip('.')}; see `{error.ctx.command_path} --help`."
    # Without its context it is told without a summary of the command.
    return click.UsageError(" ".join(message.split()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "-C", "path", envvar="RADICALE_CONFIG", metavar="FILE", help="The configuration file.")
@click.version_option(package_name="evercard", message="%(version)s")
@click.pass_context
def main(ctx: click.Context, path: str | None) -> None:
    """Evercard: an address book in which everybody keeps their own card, and everybody else's phone follows."""
    # What commands write is people's data, and what they keep beside it as well.
    os.umask(0o077)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names come in every script; a terminal that has no letter for one must not end the command.
            with contextlib.suppress(ValueError):
                stream.reconfigure(errors="backslashreplace")
    ctx.obj = Site(path)
