"""The `evercard` command."""

from __future__ import annotations

from radicale_plugin.cli.main import main

__all__ = ["main"]
