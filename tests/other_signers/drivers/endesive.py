"""endesive, a Python library that signs by an incremental update of its own."""

from __future__ import annotations

from ..keys import PASSWORD
from ..workshop import Step, Tool, Workshop


def sign(workshop: Workshop, step: Step) -> None:
    box = ",".join(map(str, step.visible)) if step.visible else ""
    field = step.own_field or step.new_field
    existing = "existing" if step.own_field else "new"
    workshop.python(
        "sign_with_endesive.py", [step.source, step.target, step.keys.p12(step.signer), PASSWORD, field, existing, box]
    )


def _ready(workshop: Workshop) -> None:
    workshop.venv_python  # noqa: B018  made ready by asking


TOOL = Tool("endesive", "PyPI", _ready, sign)
