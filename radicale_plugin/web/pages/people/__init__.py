"""People, in several files with one blueprint."""

from __future__ import annotations

from radicale_plugin.web.pages.people import index, linking, parting, person
from radicale_plugin.web.pages.people.area import blueprint

__all__ = ["blueprint", "index", "linking", "parting", "person"]
