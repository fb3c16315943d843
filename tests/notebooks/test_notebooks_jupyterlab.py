"""A notebook in JupyterLab, as an auditor sees it, in a real browser.

With `NOTEBOOK_SCREENSHOTS=docs/images/notebooks` it makes the pictures of docs/notebooks.md.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browsers
import pytest
import servers
from notebook_runs import Ran
from PIL import Image
from seeded import Seeded

SCREENSHOTS = os.environ.get("NOTEBOOK_SCREENSHOTS")
"""A folder to write the pictures to; without it they are only taken."""
SHOWN = ("contested_document", "signing_times", "monthly_archive")
UNTRUSTED = "contested_document"
"""Also opened as a copy from somebody else, which JupyterLab shows without any stylesheet."""


@pytest.fixture(scope="module")
def lab(ran: Ran, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab on copies of the executed notebooks, trusted as those are that one ran oneself; its address with the token."""
    base = tmp_path_factory.mktemp("lab")
    own = {"JUPYTER_CONFIG_DIR": str(base / "config"), "JUPYTER_DATA_DIR": str(base / "data"),
           "JUPYTER_RUNTIME_DIR": str(base / "runtime"), "JUPYTERLAB_WORKSPACES_DIR": str(base / "layouts"),
           "IPYTHONDIR": str(base / "ipython")}  # fmt: skip
    root = Path(shutil.copytree(ran.copies, base / "notebooks"))
    foreign = json.loads((root / f"{UNTRUSTED}.ipynb").read_text())
    foreign["metadata"]["title"] = "A copy from somebody else"
    (root / "from-somebody-else.ipynb").write_text(json.dumps(foreign))
    trust = "from nbformat.sign import TrustNotebookApp; TrustNotebookApp.launch_instance()"
    trusted = [str(root / f"{name}.ipynb") for name in SHOWN]
    subprocess.run([sys.executable, "-c", trust, *trusted], env={**os.environ, **own}, check=True, capture_output=True)
    port = servers.free_port()
    settings = base / "config" / "labconfig"
    settings.mkdir(parents=True)
    (settings / "default_setting_overrides.json").write_text(
        json.dumps({"@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"}})
    )
    token = "sample-token"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
               "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}",
               "--allow-root"]  # fmt: skip
    with servers.running(command, port, log=base / "log", cwd=root, **own):
        yield f"http://127.0.0.1:{port}/lab/tree/%s?token={token}&reset"


@pytest.fixture(scope="module")
def browser(playwright: Any) -> Iterator[Any]:
    started = browsers.chromium(playwright)
    yield started
    started.close()


def opened(browser: Any, lab: str, name: str, scheme: str) -> Any:
    page = browser.new_page(viewport={"width": 1280, "height": 3000}, color_scheme=scheme)
    page.route("**/*", lambda route: route.continue_() if "127.0.0.1" in route.request.url else route.abort())
    page.goto(lab % f"{name}.ipynb")
    page.locator(".jp-Notebook .sealtrail").first.wait_for(timeout=60_000)
    if scheme == "dark":
        page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    return page


def card(page: Any, words: str) -> Any:
    """The card whose text has these words, brought into view: JupyterLab draws cells when they are scrolled to."""
    found = page.locator(".sealtrail", has_text=words).first
    ends = time.monotonic() + 90
    while not found.count():
        assert time.monotonic() < ends, f"no card says {words}"
        # From the end to the beginning again: a busy machine may not have drawn what went by.
        page.locator(".jp-WindowedPanel-outer").first.evaluate(
            "panel => panel.scrollTop + panel.clientHeight + 1 < panel.scrollHeight"
            " ? panel.scrollBy(0, 700) : panel.scrollTo(0, 0)"
        )
        page.wait_for_timeout(100)
    found.scroll_into_view_if_needed()
    return found


def take(found: Any, name: str) -> None:
    picture = found.screenshot(animations="disabled")
    assert len(picture) > 5_000
    if SCREENSHOTS:
        shown = Image.open(io.BytesIO(picture)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
        shown.save(Path(SCREENSHOTS) / f"{name}.png", optimize=True)


@pytest.mark.slow
def test_verdict_trail_and_plots_are_seen_in_jupyterlab(lab: str, browser: Any, seeded: Seeded) -> None:
    for scheme in ("light", "dark"):
        suffix = "" if scheme == "light" else "-dark"
        page = opened(browser, lab, "contested_document", scheme)
        verdict = card(page, "Judged for")
        assert verdict.locator(".badge").first.inner_text() == "altered"
        assert seeded.document("changed-byte") in verdict.inner_text()
        fold = verdict.locator("details").last
        fold.locator("summary").click()
        assert fold.locator("table").is_visible(), "a fold opens without any script"
        take(verdict, f"verdict{suffix}")
        ground = verdict.evaluate("card => getComputedStyle(card).backgroundColor")
        assert ground == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(27, 30, 34)")
        trail = card(page, "Audit trail of")
        assert trail.locator("tbody tr").count() > 10
        take(trail, f"trail{suffix}")
        page.close()
    page = opened(browser, lab, "signing_times", "light")
    plots = card(page, "Documents by step")
    image = plots.locator("img")
    assert image.evaluate("async image => { await image.decode(); return image.naturalWidth }") > 500
    assert "completed" in image.get_attribute("alt")
    take(plots, "plots")
    page.close()
    page = opened(browser, lab, "monthly_archive", "light")
    trend = card(page, "Hatched: with exceptions")
    assert "with exceptions" in trend.locator("img").get_attribute("alt")
    take(trend, "trend")
    assert "NOT met" in card(page, "Criteria 1 to 4").inner_text()
    take(card(page, "Conclusion"), "conclusion")
    page.close()


@pytest.mark.slow
def test_a_copy_from_somebody_else_is_read_without_its_stylesheet(lab: str, browser: Any, seeded: Seeded) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 3000})
    page.goto(lab % "from-somebody-else.ipynb")
    verdict = page.locator(".jp-OutputArea-output", has_text="Judged for").first
    verdict.wait_for(timeout=60_000)
    assert verdict.locator("style").count() == 0
    assert seeded.document("changed-byte") in verdict.inner_text()
    assert "altered" in verdict.inner_text()
    assert not verdict.locator("details table").first.is_visible()
    verdict.locator("summary").first.click()
    assert verdict.locator("details table").first.is_visible()
    page.close()
