"""Commands that are read when somebody asks for them, so that none waits for what only another one needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

import click
from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Part:
    """
    A command that is not read yet.

    *place* is ``module:name``. *help* is its line in the list of commands, empty for one that is not listed. *more* are
    the places of commands below it that live in other modules.
    """

    place: str
    help: str
    more: Sequence[str] = ()

    def load(self) -> click.Command:
        """Read it, and what belongs below it."""
        command = _at(self.place)
        for place in self.more:
            assert isinstance(command, click.Group)  # noqa: S101 - nothing else has commands below it
            command.add_command(_at(place))
        return command


class LazyGroup(click.Group):
    """A group of commands, each of which is read when it is asked for. The list of them reads none."""

    parts: Mapping[str, Part] = {}

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*self.parts, *self.commands})

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None."""
        if cmd_name not in self.commands and cmd_name in self.parts:
            self.add_command(self.parts[cmd_name].load(), cmd_name)
        return super().get_command(ctx, cmd_name)

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, part.help) for name, part in sorted(self.parts.items()) if part.help])


def _at(place: str) -> click.Command:
    module, _, name = place.partition(":")
    command: click.Command = getattr(import_module(module), name)
    return command
