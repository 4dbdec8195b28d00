"""What administrators look after, in several files with one blueprint. Nothing of anybody's card is in it."""

from __future__ import annotations

from radicale_plugin.web.pages.administration import invite, organisations, people, person, server
from radicale_plugin.web.pages.administration.area import blueprint

__all__ = ["blueprint", "invite", "organisations", "people", "person", "server"]
