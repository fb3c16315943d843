"""`sealtrail serve` and `uvicorn portal.app:app`, as processes of their own."""

from __future__ import annotations

import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import servers
from portal_browser import press
from program import PROGRAM

from portal.rates import RATES
from signing_core.desk import Desk
from signing_core.flow import Role, Status
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play, contract


@contextmanager
def running(command: list[Any], port: int, log: Path, **environment: str) -> Iterator[None]:
    """Until the block ends, by what Ctrl+C in a terminal sends."""
    with servers.running(command, port, log=log, stop=signal.SIGINT, **environment):
        yield


def get(url: str, **more: Any) -> httpx.Response:
    return httpx.get(url, timeout=600, **more)  # other tests may keep the machine busy


@pytest.mark.slow
def test_serve_does_the_background_work(blank_copy: Callable[..., Path], tmp_path: Path) -> None:
    folder, port, log = blank_copy(), servers.free_port(), tmp_path / "log"
    settings = folder / "sealtrail.toml"
    url = f"http://localhost:{port}"
    settings.write_text(re.sub(r"(?m)^base_url = .*$", f'base_url = "{url}"', settings.read_text()))
    with running([PROGRAM, "serve", str(folder), "--port", str(port)], port, log), Workspace.open(folder) as workspace:
        play = Play(Desk(workspace))
        document_id = play.create(contract())
        play.desk.send(document_id)
        ends = time.monotonic() + 120
        while time.monotonic() < ends:
            try:
                token = play.token(Role.FIRST_PARTY)
                break
            except LookupError:
                time.sleep(0.2)
        from signing_core.testing import received

        assert f"{url}/s/{token}" in received(workspace)[-1].text
        page = get(f"{url}/s/{token}")
        assert page.status_code == 200 and "server" not in page.headers
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert "Streamlit" in get(url).text  # the dashboard is beside the pages, on the same port
        assert play.desk.state(document_id).status is Status.AWAITING_FIRST_PARTY
    said = log.read_text()
    assert url in said and token not in said and "Traceback" not in said


@pytest.mark.slow
def test_serve_over_tls(blank_copy: Callable[..., Path], tmp_path: Path, chromium: Any) -> None:
    """The certificate is one that a client can be told to trust; a browser keeps the `__Host-` cookie."""
    folder, port, log = blank_copy(), servers.free_port(), tmp_path / "log"
    url = f"https://127.0.0.1:{port}"
    with running([PROGRAM, "serve", "-w", str(folder), "--port", str(port), "--tls", "--no-work"], port, log):
        certificate = folder / "secrets" / "local-tls.pem"
        assert oct(certificate.with_name("local-tls-key.pem").stat().st_mode & 0o777) == "0o600"
        page = get(f"{url}/verify", verify=ssl.create_default_context(cafile=str(certificate)))
        assert page.headers["strict-transport-security"].startswith("max-age=")
        with Workspace.open(folder) as workspace:
            play = Play(Desk(workspace))
            play.desk.send(play.create(contract()))
            play.deliver()
            token = play.token(Role.FIRST_PARTY)
        context = chromium.new_context(ignore_https_errors=True, locale="en-GB")
        phone = context.new_page()
        phone.goto(f"{url}/s/{token}")
        press(phone, "Open the document")
        phone.get_by_role("heading", name="Read the document").wait_for()
        (cookie,) = context.cookies()
        assert cookie["name"].startswith("__Host-sealtrail-")
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Strict")
        context.close()
    assert "SHA-256 is" in log.read_text()


@pytest.mark.slow
def test_pages_alone_under_uvicorn_log_no_token(blank_copy: Callable[..., Path], tmp_path: Path) -> None:
    folder, port, log = blank_copy(), servers.free_port(), tmp_path / "log"
    url, token = f"http://127.0.0.1:{port}", "aB3_" * 10 + "xYz"
    command = [sys.executable, "-m", "uvicorn", "portal.app:app", "--port", str(port)]
    with running(command, port, log, SEALTRAIL_WORKSPACE=str(folder), SEALTRAIL_BASE_URL=url):
        assert get(f"{url}/s/{token}").status_code == 200
        assert get(f"{url}/d/{token}?again=/s/{token}").status_code == 200
    said = log.read_text()
    assert "GET /s/[token]" in said and token not in said


@pytest.mark.slow
def test_limits_hold_for_all_workers_of_uvicorn(blank_copy: Callable[..., Path], tmp_path: Path) -> None:
    folder, port, log = blank_copy(), servers.free_port(), tmp_path / "log"
    url, token = f"http://127.0.0.1:{port}", "aB3_" * 10 + "xYz"
    command = [sys.executable, "-m", "uvicorn", "portal.app:app", "--port", str(port), "--workers", "2"]
    with running(command, port, log, SEALTRAIL_WORKSPACE=str(folder), SEALTRAIL_BASE_URL=url):
        ends = time.monotonic() + 60
        while log.read_text().count("Application startup complete") < 2:
            assert time.monotonic() < ends
            time.sleep(0.1)
        begun = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(lambda _: get(f"{url}/s/{token}").status_code, range(2 * RATES["link"].burst)))
        refilled = (time.monotonic() - begun) * RATES["link"].per_minute / 60
    assert len(set(re.findall(r"Started server process \[(\d+)\]", log.read_text()))) == 2
    assert RATES["link"].burst <= statuses.count(200) <= RATES["link"].burst + refilled + 1
    assert set(statuses) == {200, 429}


def test_serve_says_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run([PROGRAM, "serve", str(tmp_path / "nowhere")], capture_output=True, text=True, timeout=600)
    assert done.returncode == 3
    assert "sealtrail init" in done.stderr and "Traceback" not in done.stderr
