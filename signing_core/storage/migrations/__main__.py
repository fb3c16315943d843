"""Writes a new migration from the difference between `schema.py` and the migrations so far."""

from __future__ import annotations

import sys

from alembic import command

from signing_core.storage.database import make_engine, writing
from signing_core.storage.migrations import REVISIONS, config


def main(message: str) -> None:
    engine = make_engine("sqlite://")
    with writing(engine) as connection:
        configuration = config()
        configuration.attributes["connection"] = connection
        if REVISIONS:
            command.upgrade(configuration, "head")
        number = len(REVISIONS) + 1
        command.revision(configuration, message=message, rev_id=f"{number:04}", autogenerate=True)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
