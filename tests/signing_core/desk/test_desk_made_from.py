"""What a document was made from is read from the log: by its successor as well, and without names once they were erased."""

from __future__ import annotations

import io

import sqlalchemy as sa
from PIL import Image

from signing_core.bulk import reissue
from signing_core.desk import Desk, sources, views
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import personal_data
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play


def test_a_successor_says_what_its_predecessor_was_made_from(workspace: Workspace) -> None:
    out = io.BytesIO()
    Image.new("RGB", (900, 1200), "white").save(out, "JPEG")
    made = sources.from_files(workspace, [("front.jpg", out.getvalue())])
    play = Play(Desk(workspace))
    document_id = play.create(made.pdf, made_from=made.made_from, source_name="front.jpg")
    assert play.to_completion(document_id).status == "completed"
    successor = reissue.reissue(workspace, document_id)
    with reading(workspace.engine) as connection:
        assert views.made_from(connection, successor) == views.made_from(connection, document_id) == made.made_from
    with writing(workspace.engine) as connection:
        connection.execute(sa.update(personal_data).values(salt=None, value=None))
    status = views.status(workspace, document_id)
    (file,) = status["made_from"]["files"]
    assert file["name"] is None and file["format"] == "jpeg"
    assert status["changed_in_preparing"][0]["en"] == "Its pages are made from a picture (JPEG)."


def test_a_pdf_was_made_from_nothing(workspace: Workspace, source: bytes) -> None:
    assert sources.from_files(workspace, [("offer.pdf", source)]).pdf == source
    assert views.status(workspace, Play(Desk(workspace)).create(source))["made_from"] is None
