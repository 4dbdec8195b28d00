"""The blueprint of the people whom somebody is connected to."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("people", __name__, url_prefix="/people")
