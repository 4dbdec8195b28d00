"""Lets ``python -m radicale_plugin.cli`` be the `evercard` command."""

from radicale_plugin.cli.main import main

main()
