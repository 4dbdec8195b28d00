"""The `evercard` command: its parts, its option for all of them, and how errors are told."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any

import click
from typing_extensions import override

from radicale_plugin.cli import circles, finding, meeting, moving, past, people, profiles, saving, upkeep, users
from radicale_plugin.cli.demo.command import demo
from radicale_plugin.cli.site import Site
from sync.errors import DatabaseUnavailable, EvercardError


class Commands(click.Group):
    """A group of commands that tells errors in one line."""

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


for command in (
    upkeep.serve,
    upkeep.run_worker,
    demo,
    upkeep.migrate,
    saving.backup,
    saving.restore,
    users.user,
    users.device,
    profiles.profile,
    circles.group,
    circles.grant,
    finding.preference,
    finding.question,
    finding.address,
    finding.find,
    meeting.request,
    people.connect,
    people.disconnect,
    meeting.block,
    meeting.unblock,
    meeting.blocked,
    meeting.friend,
    people.hidden,
    people.show,
    people.preview,
    people.holders,
    past.entry,
    upkeep.verify,
    upkeep.render,
    upkeep.restored,
):
    main.add_command(command)
for command in (past.profile_history, past.profile_restore):
    profiles.profile.add_command(command)
for command in (moving.export_user, moving.delete_user):
    users.user.add_command(command)
past.entry.add_command(moving.import_entries)
