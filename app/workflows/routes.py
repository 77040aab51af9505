"""Pages of workflows."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("workflows", __name__)
