"""Lets ``python -m radicale_plugin.cli`` be the `evercard` command."""

from __future__ import annotations

from radicale_plugin.cli.main import main

main()
