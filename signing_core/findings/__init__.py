"""The analysts' work list: what the controls found, whose it is, what was decided, and that two people decided it."""

from signing_core.findings.deciding import DISPOSITIONS, assign, close, propose, send_back
from signing_core.findings.recording import Refreshed, record, refresh

__all__ = ["DISPOSITIONS", "Refreshed", "assign", "close", "propose", "record", "refresh", "send_back"]
