"""The analysts' work list: what the controls found, whose it is, what was decided, and that two people decided it."""

from signing_core.findings.deciding import DISPOSITIONS, assign, close, propose, send_back
from signing_core.findings.recording import (
    Refreshed,
    Standing,
    key_of,
    record,
    record_looked,
    record_of_all,
    record_of_some,
    refresh,
    standing,
)

__all__ = [
    "DISPOSITIONS",
    "Refreshed",
    "Standing",
    "assign",
    "close",
    "key_of",
    "propose",
    "record",
    "record_looked",
    "record_of_all",
    "record_of_some",
    "refresh",
    "send_back",
    "standing",
]
