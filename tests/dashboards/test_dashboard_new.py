"""New documents, one and many, templates and parties; and what is verified from pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import browsers
import pytest
import sqlalchemy as sa
from dashboard_browser import rerun, settled, until, watch
from dashboard_parts import told
from openpyxl import Workbook
from PIL import Image
from pypdf import PdfReader

from signing_core.desk import Desk
from signing_core.pdf import render
from signing_core.storage import directory
from signing_core.storage.database import reading
from signing_core.storage.schema import document_parties, documents
from signing_core.storage.workspace import Workspace
from signing_core.testing import contract

Show = Callable[..., Any]
AUTHOR = "author1@example.org"


def press(test: Any, label: str) -> None:
    next(one for one in test.button if one.label == label).click().run()
    assert not test.exception, test.exception[0].stack_trace


def fill(test: Any, **values: str) -> None:
    for key, value in values.items():
        next(one for one in test.text_input if one.key == key).input(value)


def titled(folder: Path, pattern: str) -> list[sa.Row[Any]]:
    with Workspace.open(folder) as workspace, reading(workspace.engine) as connection:
        return list(connection.execute(sa.select(documents).where(documents.c.title.like(pattern))))


def test_a_document_is_created_with_its_signatures_where_the_author_puts_them(furnished_copy: Any, show: Show) -> None:
    test = show(furnished_copy.folder, "new", person=AUTHOR)
    test.file_uploader[0].set_value([("Sample order.pdf", contract(3), "application/pdf")]).run()
    first = {"first-party_name": "Sample Director", "first-party_contact": "director@example.org"}
    fill(test, **first, client_name="Sample Client", client_contact="+49 171 3920012", new_title="Sample order 1")
    next(one for one in test.toggle if one.key == "own_places").set_value(True).run()
    next(one for one in test.number_input if one.key == "place_page").set_value(2)
    next(one for one in test.slider if one.key == "client_y").set_value(500).run()
    assert not test.exception
    press(test, "Create and send")
    assert "Created and sent" in test.success[0].value
    (row,) = titled(furnished_copy.folder, "Sample order 1")
    assert row.status == "awaiting-first-party"
    assert row.author == "Author1"  # the person who is there, not somebody typed
    assert row.fields["client"]["page"] == 2
    with Workspace.open(furnished_copy.folder) as workspace:
        assert Desk(workspace).status(row.id)["parties"]["client"]["channel"] == "sms"
        assert workspace.objects.exists(Desk(workspace).status(row.id)["files"]["prepared"]["sha256"])


def test_an_author_is_told_what_will_be_changed(furnished_copy: Any, show: Show, make: Any) -> None:
    test = show(furnished_copy.folder, "new", person=AUTHOR)
    test.file_uploader[0].set_value([("Order.pdf", make.with_files(terms=b"terms"), "application/pdf")]).run()
    assert not test.exception
    shown = told(test)
    assert "Scripts (JavaScript) are left out" in shown and "terms.txt" in shown


def picture(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(out, "JPEG")
    return out.getvalue()


def test_pictures_become_pages_that_the_author_sees_and_their_names_stay_on_record(
    furnished_copy: Any, show: Show
) -> None:
    test = show(furnished_copy.folder, "new", person=AUTHOR)
    given = [("Front.jpg", picture(900, 1200), "image/jpeg"), ("Back.pdf", picture(1200, 900), "application/pdf")]
    test.file_uploader[0].set_value(given).run()
    assert not test.exception
    assert "Its pages are made from 2 pictures (JPEG)." in told(test)
    assert next(one for one in test.number_input if one.key == "place_page").max == 2  # each can be looked at
    parties = {"first-party_name": "Sample Director", "first-party_contact": "director@example.org"}
    fill(test, **parties, client_name="Sample Client", client_contact="client@example.org", new_title="Photographed")
    test.run()
    press(test, "Save as a draft")
    (row,) = titled(furnished_copy.folder, "Photographed")
    with Workspace.open(furnished_copy.folder) as workspace:
        made = Desk(workspace).status(row.id)["made_from"]
    assert [(file["name"], file["format"]) for file in made["files"]] == [("Front.jpg", "jpeg"), ("Back.pdf", "jpeg")]
    page = show(furnished_copy.folder, "document", person=AUTHOR, id=row.id)
    assert "Front.jpg" in told(page) and "Its pages are made from 2 pictures" in told(page)


def test_what_cannot_become_pages_is_refused_on_the_page(furnished_copy: Any, show: Show) -> None:
    test = show(furnished_copy.folder, "new", person=AUTHOR)
    test.file_uploader[0].set_value([("moving.gif", b"GIF89a" + bytes(50), "image/gif")]).run()
    assert "moving.gif is a GIF picture" in test.error[0].value and not test.exception


@pytest.mark.slow
def test_a_signature_is_dragged_to_its_place_or_moved_by_keys(
    served: Any, desktop: Callable[..., Any], tmp_path: Path
) -> None:
    furnished, address = served
    file = tmp_path / "Sample order.pdf"
    file.write_bytes(contract(2))
    page = desktop(viewport={"width": 1360, "height": 1700})
    page.goto(f"{address}/new")
    settled(page)
    with rerun(page):
        page.locator("input[type=file]").first.set_input_files(str(file))
    with rerun(page):
        page.get_by_text("Place the signatures myself").click()

    def sliders() -> dict[str, int]:
        names = [f"{who}: from the {edge}" for who in ("First party", "Client") for edge in ("left", "top")]
        return {name: int(page.get_by_role("slider", name=name).input_value()) for name in names}

    def box(role: str) -> dict[str, float]:
        found: dict[str, float] = page.locator(f"[data-role='{role}']").bounding_box()
        return found

    sheet = page.get_by_alt_text("Page 2 of the document").bounding_box()
    points = 595 / sheet["width"]
    before = sliders()
    start = box("client")
    # Down and to the left, by hand: the place under the pointer stays under the pointer.
    with rerun(page):
        page.mouse.move(start["x"] + 20, start["y"] + 10)
        page.mouse.down()
        page.mouse.move(start["x"] - 60, start["y"] + 40, steps=5)
        page.mouse.move(start["x"] - 100, start["y"] - 190, steps=5)
        page.mouse.up()
    assert abs(sliders()["Client: from the left"] - (before["Client: from the left"] - 120 * points)) <= 2
    assert abs(sliders()["Client: from the top"] - (before["Client: from the top"] - 200 * points)) <= 2
    assert {name: value for name, value in sliders().items() if name.startswith("First")} == {
        name: value for name, value in before.items() if name.startswith("First")
    }
    assert abs(box("client")["x"] - (start["x"] - 120)) <= 2
    # Beyond the edge there is no place; a click moves the one that was touched last.
    with rerun(page):
        page.mouse.move(box("first-party")["x"] + 5, box("first-party")["y"] + 5)
        page.mouse.down()
        page.mouse.move(sheet["x"] - 300, sheet["y"] + 60, steps=5)
        page.mouse.up()
    assert sliders()["First party: from the left"] == 0
    with rerun(page):
        page.mouse.click(sheet["x"] + sheet["width"] / 2, sheet["y"] + 100)
    assert abs(sliders()["First party: from the left"] - (595 - 220) / 2) <= 2
    # Keys move the box in the picture.
    moved = box("client")
    page.get_by_role("slider", name="Client: from the top").focus()
    with rerun(page):
        for _ in range(10):
            page.keyboard.press("ArrowRight")
    # A slow machine may say one key at a time.
    until(page, lambda: abs(box("client")["y"] - (moved["y"] + 10 / points)) <= 2, "the keys do not move the box")
    settled(page)
    # And the document is made with it.
    wanted = sliders()
    for label, text in (
        ("First party", ("Sample Director", "director@example.org")),
        ("Client", ("Sample Client", "client@example.org")),
        ("Author", ("Sample Author", "author@example.org")),
    ):
        at = ("First party", "Client", "Author").index(label)
        page.get_by_label("Name", exact=True).nth(at).fill(text[0])
        contact = (
            page.get_by_label("E-mail or mobile number")
            if label != "Author"
            else page.get_by_label("E-mail", exact=True)
        )
        with rerun(page):
            contact.nth(at if label != "Author" else 0).fill(text[1])
            page.keyboard.press("Enter")
    page.get_by_role("button", name="Save as a draft").click()
    page.get_by_text("Created as a draft.").wait_for()
    (row,) = titled(furnished.folder, "Sample order")
    assert row.fields["client"]["page"] == 2
    with Workspace.open(furnished.folder) as workspace:
        prepared = workspace.objects.get(Desk(workspace).status(row.id)["files"]["prepared"]["sha256"])
    fields = {one["/T"]: one["/Rect"] for one in PdfReader(io.BytesIO(prepared)).pages[1]["/Annots"]}
    left, _, _, top = fields["SealtrailClient"]
    assert (round(left), round(842 - top)) == (wanted["Client: from the left"], wanted["Client: from the top"])


def table(kind: str) -> tuple[str, bytes]:
    lines = [
        ["title", "client_name", "client_contact", "client_email"],
        ["Sample bulk 1", "Sample Client A", "client.a@example.net", ""],
        ["Sample bulk 2", "", "client.b@example.net", ""],
        ["Sample bulk 3", "Sample Client C", "no contact", ""],
        ["Sample bulk 4", "Sample Client D", "+49 171 3920014", "client.d@example.net"],
    ]
    if kind == "csv":
        return "clients.csv", "\n".join(";".join(line) for line in lines).encode()
    book, data = Workbook(), io.BytesIO()
    for line in lines:
        book.active.append(line)
    book.save(data)
    return "clients.xlsx", data.getvalue()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_many_are_looked_at_before_they_are_made(furnished_copy: Any, show: Show, kind: str) -> None:
    test = show(furnished_copy.folder, "new", person=AUTHOR, **{"from": "table"})
    pdf, lines = test.file_uploader
    pdf.set_value([("all.pdf", contract(1), "application/pdf")])
    name, data = table(kind)
    lines.set_value([(name, data, "text/csv")])
    fill(test, **{"first-party_name": "Sample Director", "first-party_contact": "director@example.org"})
    test.run()
    said = told(test)
    assert "2 lines can be made" in said and "2 lines have errors" in said
    assert "client_name is empty" in said and "no contact" in said
    assert titled(furnished_copy.folder, "Sample bulk%") == []
    press(test, "Create 2 documents")
    assert {row.title for row in titled(furnished_copy.folder, "Sample bulk%")} == {"Sample bulk 1", "Sample bulk 4"}


def test_a_template_gets_a_second_version_and_a_preview(furnished_copy: Any, show: Show) -> None:
    source = b"#let data = json(bytes(sys.inputs.data))\n= Sample lease\nIn #data.fields.place."
    for version, text in enumerate((source, source + b"\nSecond version."), start=1):
        test = show(furnished_copy.folder, "directory", dirview="templates")
        next(one for one in test.text_input if one.label == "Name").input("Sample lease")
        test.file_uploader[0].set_value([("lease.typ", text, "text/plain")])
        test.text_area[0].input('[{"name": "place", "type": "text"}]')
        press(test, "Add")
        with Workspace.open(furnished_copy.folder) as workspace, reading(workspace.engine) as connection:
            assert directory.template(connection, "Sample lease").version == version
    test = show(furnished_copy.folder, "directory", dirview="templates", template="Sample lease")
    assert "There is no preview" not in told(test)
    assert "Typst template" in told(test)
    assert len(test.get("image")) == 1


def test_a_party_is_added_and_found(furnished_copy: Any, show: Show) -> None:
    test = show(furnished_copy.folder, "directory")
    for label, value in (("Name", "Erika Mustermann"), ("E-mail", "erika@example.net")):
        next(one for one in test.text_input if one.label == label).input(value)
    press(test, "Add")
    found = show(furnished_copy.folder, "directory", party="musterm")
    assert "1 found" in told(found)
    with Workspace.open(furnished_copy.folder) as workspace, reading(workspace.engine) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(document_parties)).scalar_one() > 0


@pytest.mark.slow
def test_the_camera_and_a_picture_read_the_code(served: Any, playwright: Any, tmp_path: Path) -> None:
    """A camera that looks at a printed certificate: Chromium plays a film of one page to the page."""
    furnished, address = served
    with Workspace.open(furnished.folder) as workspace, reading(workspace.engine) as connection:
        data = next(
            workspace.objects.get(one.final_sha256)
            for one in connection.execute(sa.select(documents).where(documents.c.status == "completed"))
            if workspace.objects.exists(one.final_sha256) and one.id not in furnished.documents.values()
        )
    page_image = render.render(data, render.page_count(data), dpi=110).convert("RGB")
    width = 1280
    shown = page_image.resize((width, round(page_image.height * width / page_image.width)))
    certificate = tmp_path / "certificate.png"
    page_image.save(certificate)
    film = tmp_path / "film.mjpeg"
    frame = io.BytesIO()
    shown.crop(_around_code(shown)).resize((960, 960)).save(frame, "JPEG", quality=92)
    film.write_bytes(frame.getvalue() * 30)
    browser = browsers.chromium(
        playwright,
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )
    page = watch(browser.new_page(locale="en-GB"))
    page.set_default_timeout(45_000)
    page.goto(f"{address}/check?way=picture")
    settled(page)
    page.locator("input[type=file]").set_input_files(str(certificate))
    page.get_by_text("What this proves").wait_for()
    page.locator(".st-chip", has_text="valid").first.wait_for()
    page.goto(f"{address}/check?way=picture")
    settled(page)
    page.get_by_text("Use the camera").click()
    # Until the camera gives its first frame the button takes nothing.
    page.wait_for_function("() => { const film = document.querySelector('video'); return film?.videoWidth > 0 }")
    page.get_by_role("button", name="Take photo").click()
    page.get_by_text("What this proves").wait_for()
    browser.close()


def _around_code(picture: Any) -> tuple[int, int, int, int]:
    """A square around the QR code, with room around it."""
    import zxingcpp

    (code,) = [one for one in zxingcpp.read_barcodes(picture) if "QR" in str(one.format)][:1]
    xs = [getattr(code.position, corner).x for corner in ("top_left", "bottom_right")]
    ys = [getattr(code.position, corner).y for corner in ("top_left", "bottom_right")]
    middle = (sum(xs) / 2, sum(ys) / 2)
    half = (max(xs) - min(xs)) * 0.75
    return (int(middle[0] - half), int(middle[1] - half), int(middle[0] + half), int(middle[1] + half))
