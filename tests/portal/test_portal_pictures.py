"""Every page there is, in English and German: judged by axe-core in light and dark, narrow, large and zoomed.

With `PORTAL_SCREENSHOTS=docs/images/portal` it makes the pictures of the docs, those of the German pages in a folder `de`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import portal_browser
import pytest
import sqlalchemy as sa
from forged_seals import picture_of_certificate, sealed_with
from PIL import Image
from portal_browser import draw, examine, ink, kinds, press

from portal.words import words
from signing_core.certificate import payload
from signing_core.desk import Desk, Signer
from signing_core.flow import Role
from signing_core.pdf import render
from signing_core.pdf.samples import contract_pdf
from signing_core.storage.database import writing
from signing_core.storage.identifiers import new_id
from signing_core.storage.schema import documents
from signing_core.testing import CLIENT, DIRECTOR, Play, contract, make_workspace, received, wrong

pytestmark = pytest.mark.slow

PDF = "application/pdf"
TITLE = {"en": "Service agreement", "de": "Dienstleistungsvertrag"}


@dataclass
class Look:
    """A phone that goes from page to page and has each one examined."""

    company: Any
    page: Any
    language: str
    seen: list[str]

    def t(self, key: str, **values: Any) -> str:
        return words(self.language)[key].format(**values)

    def go(self, address: str) -> None:
        self.page.goto(self.company.server.url + address)

    def press(self, key: str, **values: Any) -> None:
        press(self.page, self.t(key, **values), exact=True)

    def at(self, heading: str, name: str) -> None:
        """The page with this heading is here; look at it."""
        self.page.get_by_role("heading", level=1, name=self.t(heading), exact=True).wait_for()
        self.examine(name)

    def examine(self, name: str) -> None:
        self.seen.append(name if self.language == "en" else f"de/{name}")
        examine(self.page, self.seen[-1])

    def sent(self, role: Role = Role.FIRST_PARTY, **more: Any) -> tuple[str, str]:
        source = contract_pdf(self.language)
        return self.company.sent(source, role, title=TITLE[self.language], language=self.language, **more)

    def enter(self, token: str) -> None:
        self.go(f"/s/{token}")
        self.press("landing_button")

    def code(self, role: Role) -> str:
        self.company.play.deliver()
        return self.company.play.code(role)

    def upload(self, data: bytes, name: str = "contract.pdf", kind: str = PDF, at: str = "/verify") -> None:
        self.go(at)
        self.page.locator("#file").set_input_files({"name": name, "mimeType": kind, "buffer": data})
        self.press("v_button" if at == "/verify" else "v_compare_button")


@pytest.fixture(params=["en", "de"])
def look(
    request: pytest.FixtureRequest, make_company: Callable[..., Any], tmp_path: Path, phone: Callable[..., Any]
) -> Iterator[Look]:
    company = make_company(tmp_path / "workspace", max_file=2_000_000)
    with company.server, company.workspace:
        locale = "en-GB" if request.param == "en" else "de-DE"
        yield Look(company, phone(locale=locale), request.param, [])


def check_pictures(look: Look) -> None:
    """Each page that was looked at has its pictures in the docs."""
    folder = Path(__file__).parents[2] / "docs" / "images" / "portal"
    for seen in look.seen:
        for kind in kinds(seen):
            file = folder / f"{seen}-{kind}.png"
            assert file.exists(), f"{file.name} is missing: PORTAL_SCREENSHOTS=docs/images/portal makes it"


def test_signing_pages(look: Look) -> None:
    company, page = look.company, look.page
    document_id, token = look.sent()
    look.go(f"/s/{token}")
    look.at("landing_title", "link")
    look.press("landing_button")
    page.locator(".sheets img").first.evaluate("image => image.decode()")
    page.evaluate("Promise.all([...document.images].map(image => { image.loading = 'eager'; return image.decode() }))")
    look.at("read_title", "read")
    page.get_by_role("link", name=look.t("as_text")).click()
    look.at("text_title", "text")
    page.get_by_role("link", name=look.t("p_retry")).first.click()
    look.press("sign")
    look.at("code_title", "code")
    page.locator("#code").fill(look.code(Role.FIRST_PARTY))
    look.press("code_button")
    page.get_by_label(look.t("stamp_made", organisation=DIRECTOR.organisation)).check()
    look.at("mark_title", "signature-name")
    look.press("mark_button")
    look.at("confirm_title", "confirm")
    page.get_by_label(look.t("confirm_text")).check()
    look.press("confirm_button")
    look.at("done_title", "done-first-party")
    company.desk.work_on(document_id)
    company.play.deliver()

    look.enter(company.play.token(Role.CLIENT))
    look.press("sign")
    page.locator("#code").fill(wrong(look.code(Role.CLIENT)))
    look.press("code_button")
    page.get_by_text(look.t("code_wrong_sent")).wait_for()
    look.at("code_title", "code-wrong")
    late = look.code(Role.CLIENT)
    company.clock.forward(minutes=6)
    page.locator("#code").fill(late)
    look.press("code_button")
    page.get_by_text(look.t("code_expired")).wait_for()
    look.at("code_title", "code-late")
    look.press("code_again")
    page.locator("#code").fill(look.code(Role.CLIENT))
    look.press("code_button")
    page.get_by_label(look.t("mark_drawn"), exact=True).check()
    draw(page)
    look.at("mark_title", "signature-drawn")
    page.get_by_label(look.t("mark_uploaded"), exact=True).check()
    look.press("mark_button")
    page.get_by_text(look.t("mark_missing_picture")).wait_for()
    look.at("mark_title", "signature-uploaded")
    page.locator("#picture").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": ink()})
    look.press("mark_button")
    page.get_by_label(look.t("confirm_text")).check()
    look.press("confirm_button")
    page.get_by_role("heading", name=look.t("done_title")).wait_for()
    company.desk.work_on(document_id)
    page.get_by_role("link", name=look.t("done_download")).wait_for()
    look.at("done_title", "done-completed")
    check_pictures(look)


def test_declining_and_downloading(look: Look) -> None:
    company, page = look.company, look.page
    document_id, token = look.sent()
    look.enter(token)
    page.get_by_role("link", name=look.t("decline")).click()
    look.at("decline_title", "decline")
    look.press("decline_button")
    page.get_by_role("alert").wait_for()
    page.get_by_label(look.t("decline_reason")).fill("§ 3")
    look.press("decline_button")
    look.at("declined_title", "declined")
    look.enter(token)
    look.at("p_declined_title", "problem-declined")

    document_id, token = look.sent(Role.CLIENT, client=Signer("Sample Client", CLIENT.contact))
    company.play.consent(document_id, Role.CLIENT)
    company.desk.work_on(document_id)
    company.play.deliver()
    text = [m.text for m in received(company.workspace) if m.to == CLIENT.contact][-1]
    look.go(re.search(r"(/d/[A-Za-z0-9_-]{43})", text)[1])
    look.at("download_title", "download")
    check_pictures(look)


def test_problem_pages(look: Look) -> None:
    """Everything that can be wrong on the way, in the reader's language and with a way on."""
    company, page = look.company, look.page
    document_id, token = look.sent()
    look.enter(token)
    inside = page.url.removeprefix(company.server.url)
    look.press("sign")
    look.press("code_again")
    page.get_by_role("alert").wait_for()
    look.at("code_title", "code-limited")
    for _ in range(5):
        page.locator("#code").fill(wrong(look.code(Role.FIRST_PARTY)))
        look.press("code_button")
    look.at("p_locked_title", "problem-locked")
    company.clock.forward(minutes=31)
    look.go(inside)
    page.evaluate("document.querySelector('[name=csrf]').value = 'stale'")
    look.press("sign")
    look.at("p_form_title", "problem-out-of-date")
    page.context.clear_cookies()
    look.go(inside)
    look.at("p_session_title", "problem-other-browser")
    company.desk.resend(document_id)
    look.enter(token)
    look.at("p_replaced_title", "problem-newer-link")
    company.play.deliver()
    token = company.play.token(Role.FIRST_PARTY)
    company.clock.forward(days=15)
    look.enter(token)
    look.at("p_gone_title", "problem-expired-or-unknown")
    company.desk.void(document_id, "a mistake")
    look.enter(token)
    look.at("p_voided_title", "problem-voided")
    document_id, token = look.sent()
    company.play.consent(document_id, Role.FIRST_PARTY)
    look.enter(token)
    look.at("p_used_title", "problem-already-signed")
    document_id, token = look.sent()
    company.clock.forward(days=61)
    company.desk.expire(document_id)
    look.enter(token)
    look.at("p_expired_title", "problem-not-in-time")
    look.go("/nothing")
    look.at("p_missing_title", "problem-nothing-here")
    look.upload(b"%PDF-1.7\n" + b"0" * 12_000_000)
    look.at("p_too-large_title", "problem-too-large")
    check_pictures(look)


def test_verification_pages(look: Look, tmp_path: Path) -> None:
    company, page = look.company, look.page
    key = company.workspace.keys().qr
    document_id = company.play.create(contract_pdf(look.language), title=TITLE[look.language], language=look.language)
    company.play.to_completion(document_id)
    files = company.desk.status(document_id)["files"]
    final = company.workspace.objects.get(files["final"]["sha256"])
    prefix = company.workspace.objects.get(files["client"]["sha256"])
    code = next(e for e in company.desk.events(document_id) if e.type == "document.completed").data["qr_text"]
    claims = payload.verify(payload.parse_text(code).payload, [key.public_key]).claims
    address = f"/V/{code.rpartition('/')[2]}"

    def signed(with_key: Any, **changes: Any) -> str:
        from dataclasses import replace

        made = payload.to_url(payload.sign(replace(claims, **changes), with_key), "sign.example.org")
        return f"/V/{made.rpartition('/')[2]}"

    look.go("/verify")
    look.at("v_title", "verify")
    look.press("v_button")
    page.get_by_text(look.t("v_none")).wait_for()
    look.at("v_title", "verify-nothing-chosen")
    look.go(address)
    look.at("v_genuine", "code-genuine")
    page.locator("summary").first.click()
    page.locator(".certificate").wait_for()
    look.examine("code-genuine-details")
    look.upload(final, at=address)
    look.at("v_authentic", "file-authentic")
    page.locator("summary").click()
    look.examine("file-authentic-details")
    look.upload(contract(), at=address)
    look.at("v_other_file", "file-other")
    changed = bytearray(final)
    changed[len(prefix) // 2] ^= 1
    look.upload(bytes(changed))
    look.at("v_altered", "file-altered")
    look.upload(prefix)
    look.at("v_prefix", "file-earlier-state")
    look.upload(contract())
    look.at("v_unsigned", "file-unsigned")
    look.upload(b"neither", "letter.txt", "text/plain")
    look.at("v_not_readable", "file-unreadable")
    look.go("/V/AAAA")
    look.at("v_foreign", "code-foreign")
    changed_code = bytearray(payload.parse_text(code).payload)
    changed_code[-1] ^= 1
    look.go(f"/V/{payload.to_url(bytes(changed_code), 'sign.example.org').rpartition('/')[2]}")
    look.at("v_forged", "code-forged")
    look.go(signed(key, document_id=new_id(company.clock())))
    look.at("v_unregistered", "code-unknown-document")
    look.go(signed(key, prefix_length=7))
    look.at("v_replaced", "code-other-certificate")
    with make_workspace(tmp_path / "elsewhere") as elsewhere:
        look.go(signed(elsewhere.keys().qr))
        look.at("v_unknown_key", "code-unknown-key")
        play = Play(Desk(elsewhere))
        theirs = play.create(contract_pdf(look.language))
        play.to_completion(theirs)
        look.upload(elsewhere.objects.get(play.desk.status(theirs)["final"]["sha256"]))
        look.at("v_house_unknown", "file-house-unknown")
        look.upload(sealed_with(prefix, elsewhere.keys(), picture_of_certificate(final)))
        look.at("v_not_our_seal", "file-not-our-seal")

    photo = io.BytesIO()
    render.render(final, render.page_count(final), dpi=130).save(photo, "PNG")
    look.upload(photo.getvalue(), "photo.png", "image/png")
    look.at("v_genuine", "photo-genuine")
    import qrcode

    lured = io.BytesIO()
    qrcode.make(code.replace("SIGN.EXAMPLE.ORG", "SIGN.EXAMP1E.ORG")).get_image().save(lured, "PNG")
    look.upload(lured.getvalue(), "photo.png", "image/png")
    page.get_by_text(look.t("v_lookalike")).wait_for()
    look.examine("photo-look-alike")
    blank = io.BytesIO()
    Image.new("RGB", (300, 300), "white").save(blank, "PNG")
    look.upload(blank.getvalue(), "photo.png", "image/png")
    look.at("v_no_code", "photo-without-code")

    newer = company.play.create(contract_pdf(look.language), title=TITLE[look.language])
    company.play.to_completion(newer)
    with writing(company.workspace.engine) as connection:
        connection.execute(sa.update(documents).where(documents.c.id == newer).values(supersedes=document_id))
    look.go(address)
    look.at("v_superseded", "code-superseded")
    with writing(company.workspace.engine) as connection:
        connection.execute(sa.update(documents).where(documents.c.id == newer).values(supersedes=None))
        connection.execute(sa.update(documents).where(documents.c.id == document_id).values(status="sealing"))
    look.go(address)
    look.at("v_unfinished", "code-unfinished")
    check_pictures(look)


def test_gallery_shows_every_picture() -> None:
    folder = Path(__file__).parents[2] / "docs" / "images" / "portal"
    for part in (folder, folder / "de"):
        shown = re.findall(r"\]\(([\w-]+\.png)\)", (part / "README.md").read_text())
        assert sorted(shown) == sorted(file.name for file in part.glob("*.png"))


def test_axe_sees_what_is_wrong(shared: Any, phone: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The look at every page can fail: grey on grey, and a field without a label."""
    monkeypatch.setattr(portal_browser, "SCREENSHOTS", None)
    page = phone()
    page.goto(f"{shared.server.url}/verify")
    page.evaluate("document.querySelector('.lead').style.color = '#888'")
    page.evaluate("document.querySelector('label[for=file]').remove()")
    with pytest.raises(AssertionError, match=r"color-contrast[\s\S]*label"):
        examine(page, "spoiled")
