"""What an auditor looks for in the archive: reconciliation of what is stored, logged and mailed, and controls of the flow."""

from signing_core.controls.catalogue import CATALOGUE
from signing_core.controls.finding import ControlFinding
from signing_core.controls.history import History, histories
from signing_core.controls.looking import OF_THE_PRINTED, Looked, by_codes, in_parts, look, population
from signing_core.controls.reconciliation import Reconciliation
from signing_core.controls.wording import Wording, in_words

__all__ = [
    "CATALOGUE",
    "OF_THE_PRINTED",
    "ControlFinding",
    "History",
    "Looked",
    "Reconciliation",
    "Wording",
    "by_codes",
    "histories",
    "in_parts",
    "in_words",
    "look",
    "population",
]
