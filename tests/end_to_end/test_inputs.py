"""Every kind of PDF that is met in the wild, from creation to a completed document; and those that are refused."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject

from signing_core.desk import Desk
from signing_core.errors import DocumentRefused
from signing_core.pdf import render
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play
from signing_core.trust import load_trust
from signing_core.verification import verify

DPI = 60
PARTIES = ("SealtrailFirstParty", "SealtrailClient")

WORKS: dict[str, Callable[[Any], bytes]] = {
    "rotated-90": lambda make: make.rotated(90),
    "rotated-180": lambda make: make.rotated(180),
    "rotated-270": lambda make: make.rotated(270),
    "media-box-on-pages-only": lambda make: make.inherited(),
    "crop-box-offset": lambda make: make.cropped(),
    "crop-box-offset-rotated": lambda make: make.cropped(90),
    "mixed-page-sizes": lambda make: make.mixed(),
    "user-unit": lambda make: make.user_unit(),
    "hybrid-cross-references": lambda make: make.hybrid(),
    "object-streams": lambda make: make.qpdf(make.contract(), "--object-streams=generate"),
    "linearised": lambda make: make.qpdf(make.contract(), "--linearize"),
    "bytes-before-the-header": lambda make: b"HTTP/1.1 200 OK\r\n\r\n" + make.contract(),
    "corrupt-xmp": lambda make: make.corrupt_xmp(),
    "live-annotations": lambda make: make.annotated(),
    "unbalanced-content": lambda make: make.unbalanced(),
    "filled-to-the-edge": lambda make: make.contract(2, lines=56, to_the_edge=True),
    "owner-password-only": lambda make: make.encrypted("", "an owner password"),
}


@pytest.fixture(scope="module")
def play(blank_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    import shutil

    folder = tmp_path_factory.mktemp("inputs") / "workspace"
    shutil.copytree(blank_workspace, folder)
    with Workspace.open(folder) as workspace:
        yield Play(Desk(workspace))


def finished(play: Play, source: bytes) -> tuple[bytes, bytes]:
    """The prepared and the completed file."""
    from datetime import timedelta

    document_id = play.create(source)
    play.to_completion(document_id)
    files = play.desk.status(document_id)["files"]
    final = play.workspace.objects.get(files["final"]["sha256"])
    public = play.workspace.path / "keys" / "public"
    verdict = verify(final, at=play.workspace.clock() + timedelta(seconds=2), trust=load_trust([public]))
    assert (verdict.integrity, verdict.indication) == ("intact", "TOTAL-PASSED"), verdict.to_json()
    assert [s.level for s in verdict.signatures if s.role] == ["B-LTA"] * 3
    return play.workspace.objects.get(files["prepared"]["sha256"]), final


def dark(picture: Image.Image) -> np.ndarray[Any, Any]:
    return np.asarray(picture.convert("L")) < 128


def where_signed(final: bytes) -> dict[str, tuple[int, tuple[float, float, float, float]]]:
    """Page (from 1) of each party's field, and its rectangle in parts of the visible page, from the upper left."""
    found = {}
    for number, page in enumerate(PdfReader(io.BytesIO(final)).pages, 1):
        for reference in page.get("/Annots", ()):
            field = reference.get_object()
            if field.get("/T") in PARTIES:
                box = page.cropbox
                width, height = float(box.width), float(box.height)
                x0, y0, x1, y1 = (float(v) for v in field["/Rect"])
                left, right = (x0 - float(box.left)) / width, (x1 - float(box.left)) / width
                low, high = (y0 - float(box.bottom)) / height, (y1 - float(box.bottom)) / height
                turned = {
                    0: (left, 1 - high, right, 1 - low),
                    90: (low, left, high, right),
                    180: (1 - right, low, 1 - left, high),
                    270: (1 - high, 1 - right, 1 - low, 1 - left),
                }[page.rotation % 360]
                found[field["/T"]] = (number, turned)
    return found


def cut(picture: Image.Image, part: tuple[float, float, float, float]) -> Image.Image:
    width, height = picture.size
    return picture.crop((int(part[0] * width), int(part[1] * height), int(part[2] * width), int(part[3] * height)))


def shape(mark: Image.Image) -> np.ndarray[Any, Any]:
    """Its ink on a grid of 48 by 16, blurred, with mean 0 and norm 1."""
    small = np.asarray(mark.convert("L").resize((48, 16), Image.Resampling.BOX), dtype=float)
    small -= small.mean()
    return small / (np.linalg.norm(small) or 1.0)


def turn_of(mark: Image.Image, model: Image.Image) -> int:
    """By how many degrees `mark` is turned, judging by the same mark on a page that is not."""
    turns = {
        angle: float((shape(mark.rotate(-angle, expand=True)) * shape(model)).sum()) for angle in (0, 90, 180, 270)
    }
    return max(turns, key=turns.__getitem__)


@pytest.fixture(scope="module")
def models(completed: Any) -> dict[str, Image.Image]:
    """The marks of an ordinary document."""
    return {
        name: cut(render.render(completed.final, page, dpi=150), part)
        for name, (page, part) in where_signed(completed.final).items()
    }


@pytest.mark.parametrize("kind", WORKS)
def test_it_is_completed_with_marks_upright_inside_the_page_and_nothing_covered(
    play: Play, make: SimpleNamespace, models: dict[str, Image.Image], kind: str
) -> None:
    source = WORKS[kind](make)
    prepared, final = finished(play, source)
    places = where_signed(final)
    assert set(places) == set(PARTIES)
    assert render.page_count(final) == render.page_count(prepared)
    for number in range(1, render.page_count(final)):
        before, after = dark(render.render(prepared, number, dpi=DPI)), dark(render.render(final, number, dpi=DPI))
        assert before.shape == after.shape
        lost = before & ~after
        assert lost.mean() < 0.0005, f"page {number}: what was printed can be seen no more"
        free = np.ones_like(before)
        for page, part in places.values():
            if page == number:
                height, width = before.shape
                rows = slice(max(0, int(part[1] * height) - 1), int(part[3] * height) + 2)
                columns = slice(max(0, int(part[0] * width) - 1), int(part[2] * width) + 2)
                free[rows, columns] = False
                assert before[rows, columns].mean() < 0.12, "the mark stands where nothing was printed"
        assert not (after & ~before & free).any(), f"page {number}: something new outside of the marks"
    for name, (page, part) in places.items():
        assert all(-0.001 <= edge <= 1.001 for edge in part), "inside of what is seen"
        mark = cut(render.render(final, page, dpi=150), part)
        assert dark(mark).mean() > 0.002, "there is something to be seen"
        assert turn_of(mark, models[name]) == 0


def test_the_source_s_own_pages_are_the_same_picture(play: Play, make: SimpleNamespace) -> None:
    """The strip below each page is added; what was on the page stays where it was."""
    source = make.contract(2, lines=56, to_the_edge=True)
    _, final = finished(play, source)
    for number in (1, 2):
        original, signed = (dark(render.render(data, number, dpi=72)) for data in (source, final))
        assert signed.shape[0] > original.shape[0], "the page grew by the strip"
        lost = original & ~signed[: original.shape[0], : original.shape[1]]
        assert lost.mean() < 0.002


@pytest.mark.parametrize("where", ["open action", "names", "launch"])
def test_scripts_and_programs_do_not_come_along(play: Play, make: SimpleNamespace, where: str) -> None:
    prepared, final = finished(play, make.javascript(where))
    for data in (prepared, final):
        assert b"JavaScript" not in data and b"/Launch" not in data


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["500-pages", "40-megabytes"])
def test_large_ones(play: Play, make: SimpleNamespace, kind: str) -> None:
    source = make.contract(500) if kind == "500-pages" else make.big(40)
    _, final = finished(play, source)
    assert render.page_count(final) >= render.page_count(source) + 1


REFUSED: dict[str, tuple[Callable[[Any], bytes], str]] = {
    "user-password": (lambda make: make.encrypted("a user password", "an owner password"), "password"),
    "xfa-only": (lambda make: make.xfa(with_fields=False), "XFA"),
    "no-pages": (lambda make: _without_pages(), "page"),
    "cut-off": (lambda make: make.contract()[:900], ""),
    "not-a-pdf": (lambda make: b"<html>An invoice</html>" * 50, "not a PDF"),
    "zero-byte": (lambda make: b"", "empty"),
    "portfolio": (lambda make: make.with_catalog(Collection=DictionaryObject()), "portfolio"),
}


def _without_pages() -> bytes:
    writer = PdfWriter()
    writer.root_object[NameObject("/Lang")] = NameObject("/en")
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def stored(play: Play) -> tuple[int, int, int]:
    """Objects, rows of documents, audit events."""
    import sqlalchemy as sa

    from signing_core.storage.database import reading
    from signing_core.storage.schema import audit_events, documents

    objects = sum(1 for path in (play.workspace.path / "objects").rglob("*") if path.is_file())
    with reading(play.workspace.engine) as connection:
        rows = [
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in (documents, audit_events)
        ]
    return objects, *rows


def refusal(play: Play, source: bytes) -> str:
    before = stored(play)
    with pytest.raises(DocumentRefused) as refused:
        play.create(source, source_name="offer.pdf")
    assert stored(play) == before, "nothing was stored"
    message = str(refused.value)
    assert "offer.pdf" in message
    assert message.endswith(".") and "\n" not in message and len(message) < 400
    return message


@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused_with_one_sentence_and_nothing_is_stored(play: Play, make: SimpleNamespace, kind: str) -> None:
    build, word = REFUSED[kind]
    assert word.lower() in refusal(play, build(make)).lower()


def test_an_already_signed_one_is_refused_and_can_be_embedded(play: Play, completed: Any) -> None:
    from signing_core.pdf import intake

    for signed in (completed.steps["first-party"], completed.final):
        assert "sign" in refusal(play, signed).lower()
    cover = intake.wrap_signed(completed.final, name="offer.pdf", title="A signed offer", language="en")
    _, final = finished(play, cover)
    attached = PdfReader(io.BytesIO(final)).attachments
    assert [content for contents in attached.values() for content in contents] == [completed.final]


def test_a_prepared_document_that_nobody_signed_is_an_ordinary_one_or_refused(play: Play, completed: Any) -> None:
    """Its fields have our names already: whatever comes of it must not be a document with two of each."""
    try:
        _, final = finished(play, completed.steps["prepared"])
    except DocumentRefused as error:
        assert str(error).endswith(".")
        return
    names = [
        annotation.get_object().get("/T")
        for page in PdfReader(io.BytesIO(final)).pages
        for annotation in page.get("/Annots", ())
    ]
    assert names.count("SealtrailSeal") == 1
    assert names.count("SealtrailClient") == 1


def test_too_large_for_the_limit(blank_copy: Callable[..., Path], make: SimpleNamespace) -> None:
    folder = blank_copy("small", "\n[limits]\nupload_megabytes = 1\n")
    with Workspace.open(folder) as workspace:
        play = Play(Desk(workspace))
        message = refusal(play, make.big(2))
        assert "megabyte" in message.lower() or "MB" in message
