"""The blueprint of the administrators' pages, which `radicale_plugin.web.administrators` hides from all others."""

from __future__ import annotations

from flask import Blueprint

from radicale_plugin.web.administrators import ROOT

blueprint = Blueprint("administration", __name__, url_prefix=ROOT)
