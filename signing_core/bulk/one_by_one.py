"""Work on one thing after the other: what fails with one does not stop the others, what fails with all of them does."""

from __future__ import annotations

import logging
import sqlite3
from typing import Final

import sqlalchemy as sa

from signing_core.errors import SealtrailError

OF_THE_MACHINE: Final = (OSError, sqlite3.Error, sa.exc.DBAPIError, MemoryError)
"""A full disk, a folder that may not be written to, a database that cannot be reached."""
_log = logging.getLogger(__name__)


def reason_of(error: Exception, what: str) -> str:
    """The sentence for the one (`what` names it) with which this was caught, or `error` itself again when it is a full disk, a
    database that cannot be written to or the like: every other one would meet with the same."""
    if isinstance(error, SealtrailError):
        return str(error)
    if isinstance(error, OF_THE_MACHINE):
        raise error
    _log.error("%s", what, exc_info=error)
    return (
        f"{what}: an unexpected {type(error).__name__} stopped it; see the log, and tell those who maintain Sealtrail."
    )
