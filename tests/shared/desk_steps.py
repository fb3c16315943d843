"""Steps of documents, and hands in the database, for tests of the desk."""

from __future__ import annotations

from typing import Any, Final

from signing_core.flow import Status
from signing_core.pdf.prepare import FieldRequest, PrepareRequest
from signing_core.storage.database import writing
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play

NAMES: Final = {"first-party": "Sample Director", "client": "Sample Client"}
REQUEST: Final = PrepareRequest(
    document_id="01KAX9YJ7M3RP2S5T8V1W4X6Z0",
    title="Sample contract",
    language="en",
    fields=(FieldRequest("first-party", "Sample Director"), FieldRequest("client", "Sample Client")),
)
"""What a rehearsal is asked for."""


def to(play: Play, document_id: str, status: Status) -> None:
    """Take the document's steps until it has this status."""
    steps = play.steps(document_id)
    while next(steps).status is not status:
        pass


def write(workspace: Workspace, *statements: Any) -> None:
    """As somebody with write access to the database does."""
    with writing(workspace.engine) as connection:
        for statement in statements:
            connection.execute(statement)
