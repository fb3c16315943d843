"""The morning of an analyst in a real browser: from the exception to the closed finding, with what it leaves behind."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dashboard_browser import choose, picture, rerun, settled
from dashboard_parts import ANNA, BEN

from signing_core.audit_log import events
from signing_core.seeding import altered
from signing_core.storage.database import reading
from signing_core.storage.workspace import Workspace

pytestmark = pytest.mark.slow


def work_as(page: Any, person: str) -> None:
    name = person.partition("@")[0].replace(".", " ").title()
    choose(page, "Working as", re.compile(f"^{name}"))


def test_the_morning_of_an_analyst(served: tuple[Any, str], desktop: Callable[..., Any], tmp_path: Path) -> None:
    furnished, address = served
    document_id = furnished.documents["altered"]
    page = desktop()
    page.goto(address)
    settled(page)
    page.get_by_text("No login is configured").wait_for()
    work_as(page, ANNA)
    picture(page, "today", whole=True)

    # The exception, by its severity, to the finding of the altered contract.
    with rerun(page):
        page.get_by_role("link", name=re.compile(r"^\d+ open$")).first.click()
    page.wait_for_url(re.compile("severity=error"))
    picture(page, "findings")
    with rerun(page):
        page.get_by_label("Search").fill(altered.TITLE)
        page.keyboard.press("Enter")
    page.get_by_text("1 found").wait_for()
    with rerun(page):
        page.get_by_role("link", name="stored-file-changed").click()
    page.wait_for_url(re.compile("finding="))
    page.get_by_text("What to do").wait_for()

    # The trail: who did what, when with its offset, and how good the evidence is.
    with rerun(page):
        page.get_by_role("link", name="Audit trail").click()
    page.wait_for_url(re.compile(f"id={document_id}"))
    trail = page.locator("ol.st-time")
    assert "Sealed and completed" in trail.inner_text()
    assert {"observed", "asserted"} <= {one.inner_text() for one in page.locator(".st-grade").all()}
    assert re.search(r"\d\d:\d\d:\d\d [+-]\d\d:\d\d", trail.inner_text())
    picture(page, "trail")

    # The two states side by side: the changed page is open, the changed place enlarged.
    with rerun(page):
        page.get_by_role("button", name="What signers saw").or_(
            page.get_by_text("What signers saw", exact=True)
        ).first.click()
    page.get_by_text("Page 1 shows something else than the client saw.").wait_for()
    page.get_by_alt_text("Change 1: what is there now").wait_for()
    assert "18,500.00" in page.locator("main, [data-testid='stMain']").first.inner_text()
    picture(page, "seen", whole=True)
    shown = page.url

    # Verified again, on record; and the evidence to take away.
    with rerun(page):
        page.get_by_role("button", name="Verify now").click()
    page.get_by_text("Verified and recorded: altered").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Evidence pack").click()
    pack = tmp_path / "evidence.zip"
    download.value.save_as(pack)
    with zipfile.ZipFile(pack) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert any(name.endswith(".pdf") for name in names), names
        assert any("event" in name for name in names), names

    # The decision: proposed by one, refused to the same person, closed by another.
    with rerun(page):
        page.get_by_role("link", name="Open the finding").first.click()
    page.wait_for_url(re.compile("finding="))
    finding = page.url
    page.get_by_text("fixed", exact=True).click()
    page.get_by_label("Reason").fill("The original was restored from the backup.")
    with rerun(page):
        page.get_by_role("button", name="Propose").click()
    page.get_by_text("A second person has to agree").wait_for()
    with rerun(page):
        page.get_by_role("button", name="Agree and close").click()
    page.get_by_text("a second person has to agree").first.wait_for()
    picture(page, "decision")
    work_as(page, BEN)
    assert page.url == finding
    with rerun(page):
        page.get_by_role("button", name="Agree and close").click()
    page.get_by_text("Closed by").wait_for()

    page.emulate_media(color_scheme="dark")
    page.goto(shown)
    page.get_by_alt_text("Change 1: what is there now").wait_for()
    picture(page, "seen", dark=True)

    with Workspace.open(furnished.folder) as workspace, reading(workspace.engine) as connection:
        steps = [event.type for event in events.of_document(connection, document_id)]
    assert steps[-4:] == ["document.verified", "finding.proposed", "access.denied", "finding.closed"]


def test_todays_page_and_the_list_in_the_dark_and_in_german(
    served: tuple[Any, str], desktop: Callable[..., Any]
) -> None:
    _, address = served
    page = desktop(color_scheme="dark", locale="de-DE")
    page.goto(address)
    settled(page)
    page.get_by_role("heading", name="Heute").wait_for()
    with rerun(page):
        page.get_by_text("English", exact=True).click()
    page.get_by_role("heading", name="Today").wait_for()
    picture(page, "today", dark=True)
    page.goto(f"{address}/documents")
    settled(page)
    picture(page, "documents", dark=True)
    page.emulate_media(color_scheme="light")
    picture(page, "documents")
    page.goto(f"{address}/log?logview=replay&lang=en")
    settled(page)
    page.get_by_role("button", name="Replay now").click()
    page.get_by_text("The log is not in order.").wait_for()
    picture(page, "audit-log")


def test_the_list_is_walked_with_the_keyboard(served: tuple[Any, str], desktop: Callable[..., Any]) -> None:
    """From the search to the first document and its views without a mouse."""
    _, address = served
    page = desktop()
    page.goto(f"{address}/documents")
    settled(page)
    page.get_by_label("Search").focus()
    with rerun(page):
        page.keyboard.type(altered.TITLE)
        page.keyboard.press("Enter")
    for _ in range(30):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.innerText || ''")
        if focused.strip() == altered.TITLE:
            break
    else:
        raise AssertionError("the document is not reached with the tabulator key")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/document"))
    page.get_by_role("heading", name=altered.TITLE).wait_for()


def test_what_a_picture_shows_is_there_as_text(served: tuple[Any, str], desktop: Callable[..., Any]) -> None:
    furnished, address = served
    page = desktop()
    for path in ("", f"/document?id={furnished.documents['altered']}&view=seen", "/findings", "/documents", "/check"):
        page.goto(f"{address}{path}")
        settled(page)
        nameless = page.evaluate(
            "[...document.querySelectorAll('[data-testid=stMain] img')].filter(one => !one.alt).map(one => one.outerHTML)"
        )
        assert nameless == [], path
        # A chart is drawn, and with it described, a moment after its place is there.
        page.wait_for_function(
            "[...document.querySelectorAll('[data-testid=stVegaLiteChart]')].every(one => "
            "(one.getAttribute('aria-label') || (one.querySelector('[aria-label]') || {}).ariaLabel || '').trim())"
        )
