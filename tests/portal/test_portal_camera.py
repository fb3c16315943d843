"""The camera of the verification page, with a video of a certificate in front of Chromium's stand-in for a camera."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import qrcode
from PIL import Image
from portal_browser import PHONE, complaints, press

from portal.rates import Rate
from portal.words import words
from signing_core.pdf import render
from signing_core.testing import contract

pytestmark = pytest.mark.slow

EN = words("en")


@dataclass
class Certificate:
    company: Any
    text: str
    page: Image.Image

    @property
    def address(self) -> str:
        return f"{self.company.server.url}/V/{self.text.rpartition('/')[2]}"


@pytest.fixture(scope="module")
def certificate(shared: Any) -> Certificate:
    document_id = shared.play.create(contract())
    shared.play.to_completion(document_id)
    final = shared.workspace.objects.get(shared.desk.status(document_id)["final"]["sha256"])
    completed = next(e for e in shared.desk.events(document_id) if e.type == "document.completed")
    return Certificate(
        shared, str(completed.data["qr_text"]), render.render(final, render.page_count(final), dpi=110).convert("RGB")
    )


@pytest.fixture
def seeing(launch: Callable[..., Any], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """A page in a browser whose camera shows a picture; None for a browser that is not allowed to use it."""
    opened = []

    def open_(picture: Image.Image | None, **options: Any) -> Any:
        switches = ["--use-fake-device-for-media-stream"]
        if picture is not None:
            video = tmp_path / "camera.mjpeg"
            frame = Image.new("RGB", (1280, 960), (90, 84, 80))
            fitted = picture.copy()
            fitted.thumbnail((1200, 1200))
            # The hand holds the page so that its lower half is seen, a little askew.
            tilted = fitted.rotate(3, expand=True, fillcolor=(90, 84, 80), resample=Image.Resampling.BICUBIC)
            frame.paste(tilted, ((1280 - tilted.width) // 2, min(0, 960 - tilted.height)))
            written = io.BytesIO()
            frame.save(written, "JPEG", quality=88)
            video.write_bytes(written.getvalue() * 4)
            switches += ["--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={video}"]
        browser = launch(*switches)
        opened.append(browser)
        page = browser.new_context(viewport=PHONE, locale="en-GB", **options).new_page()
        page.set_default_timeout(60_000)
        return page

    yield open_
    for browser in opened:
        browser.close()


def test_a_certificate_before_the_camera_leads_to_its_page(
    certificate: Certificate, seeing: Callable[..., Any]
) -> None:
    page, said = seeing(certificate.page), []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{certificate.company.server.url}/verify")
    page.get_by_text("small pictures are sent here").wait_for()
    page.get_by_role("button", name=EN["v_scan"]).click()
    page.get_by_role("heading", name=EN["v_genuine"]).wait_for()
    assert page.url == certificate.address
    assert said == []


def test_where_the_browser_reads_codes_no_picture_leaves_it(
    certificate: Certificate, seeing: Callable[..., Any]
) -> None:
    """Chromium has `BarcodeDetector` on phones only: here a stand-in that reads the same code."""
    page, sent = seeing(certificate.page), []
    page.add_init_script(
        "window.BarcodeDetector = class { static async getSupportedFormats() { return ['qr_code']; }"
        f" async detect(view) {{ return view.videoWidth ? [{{ rawValue: {certificate.text!r} }}] : []; }} }}"
    )
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.goto(f"{certificate.company.server.url}/verify")
    page.get_by_text("stays on your device").wait_for()
    page.get_by_role("button", name=EN["v_scan"]).click()
    page.get_by_role("heading", name=EN["v_genuine"]).wait_for()
    assert page.url == certificate.address
    assert sent == []


def test_another_code_is_named_and_not_followed(certificate: Certificate, seeing: Callable[..., Any]) -> None:
    look_alike = certificate.text.replace("SIGN.EXAMPLE.ORG", "SIGN.EXAMP1E.ORG")
    page = seeing(qrcode.make(look_alike).get_image().convert("RGB"))
    page.goto(f"{certificate.company.server.url}/verify")
    page.get_by_role("button", name=EN["v_scan"]).click()
    page.get_by_text("That code is not one of ours. It leads to: HTTPS://SIGN.EXAMP1E.ORG").wait_for()
    assert complaints(page, {"type": "tag", "values": ["wcag2a", "wcag2aa"]}) == []
    page.get_by_role("button", name=EN["v_scan_stop"]).click()
    page.locator("video").wait_for(state="hidden")
    assert page.url.endswith("/verify")


def test_without_permission_the_page_says_so_and_a_photo_does(
    certificate: Certificate, seeing: Callable[..., Any]
) -> None:
    page = seeing(None)
    page.goto(f"{certificate.company.server.url}/verify")
    page.get_by_role("button", name=EN["v_scan"]).click()
    page.get_by_text(EN["v_scan_failed"]).wait_for()
    upload(page, certificate)


def test_without_javascript_a_photo_does(certificate: Certificate, phone: Callable[..., Any]) -> None:
    page = phone(java_script_enabled=False)
    page.goto(f"{certificate.company.server.url}/verify")
    assert not page.get_by_role("button", name=EN["v_scan"]).is_visible()
    upload(page, certificate)


def upload(page: Any, certificate: Certificate) -> None:
    photo = io.BytesIO()
    certificate.page.save(photo, "JPEG", quality=85)
    page.locator("#photo").set_input_files({"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo.getvalue()})
    press(page, EN["v_button"], exact=True)
    page.get_by_role("heading", name=EN["v_genuine"]).wait_for()


def test_pictures_are_small_counted_and_from_our_page(
    make_company: Callable[..., Any], certificate: Certificate, tmp_path: Path
) -> None:
    company = make_company(tmp_path / "workspace", rates={"frame": Rate(4, 1)})
    with company.server, company.workspace:
        visitor = company.visitor()
        site = company.server.app.state.site
        ours = {"origin": "null", "sec-fetch-site": "same-origin"}

        def send(picture: bytes, csrf: str = site.vault.form_token("/verify"), **headers: str) -> Any:
            files = {"picture": ("frame.jpg", picture, "image/jpeg")}
            return visitor.post("/verify/frame", data={"csrf": csrf}, files=files, headers={**ours, **headers})

        written = io.BytesIO()
        certificate.page.save(written, "JPEG")
        assert send(written.getvalue()).json() == {"texts": [certificate.text]}
        assert send(b"no picture").json() == {"texts": []}
        assert send(b"\xff" * 600_000).status_code == 413
        assert send(b"", csrf="00").status_code == 403
        assert send(b"", origin="https://evil.example").status_code == 403
        assert send(b"").status_code == 429
