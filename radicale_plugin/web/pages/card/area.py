"""The blueprint of one's own card."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("card", __name__, url_prefix="/card")
