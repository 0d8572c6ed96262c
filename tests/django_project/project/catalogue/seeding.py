"""What migration 0002 needs; not a migration itself, and yet part of what it makes."""

import json
from pathlib import Path

DATA = Path(__file__).with_name("data") / "categories.json"


def shown(name):
    """A category's name as the shop shows it."""
    return name.title()


def categories():
    """The name and rank of each category that every shop has."""
    with DATA.open(encoding="utf-8") as file:
        return [(shown(entry["name"]), entry["rank"]) for entry in json.load(file)]
