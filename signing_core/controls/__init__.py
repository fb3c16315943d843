"""What an auditor looks for in the archive: reconciliation of what is stored, logged and mailed, and controls of the flow."""

from signing_core.controls.catalogue import CATALOGUE
from signing_core.controls.finding import ControlFinding
from signing_core.controls.history import History, histories
from signing_core.controls.reconciliation import Reconciliation, reconcile, reconcile_without_row
from signing_core.controls.rules import check
from signing_core.controls.wording import Wording, in_words

__all__ = [
    "CATALOGUE",
    "ControlFinding",
    "History",
    "Reconciliation",
    "Wording",
    "check",
    "histories",
    "in_words",
    "reconcile",
    "reconcile_without_row",
]
