"""The pages as a server on loopback, and clients that behave like a browser."""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import browsers
import httpx
import pytest
import uvicorn
from portal_browser import PHONE, fonts

from portal.app import create_app
from portal.rates import Rate
from signing_core.desk import Desk
from signing_core.flow import Role
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock, Play, contract

GENEROUS = {kind: Rate(100_000, 100_000) for kind in ("link", "code", "upload", "frame", "page")}


class Server:
    """uvicorn in a thread; `url` is where it is."""

    def __init__(self, app: Any, listening: socket.socket) -> None:
        self.app = app
        self.port = listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=2)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]}, daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(20)


def listen() -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    return listening


class Visitor(httpx.Client):
    """A browser without a screen: keeps cookies, says where its forms come from, sends a form with its hidden fields."""

    def __init__(self, base_url: str, **more: Any) -> None:
        headers = {"accept-language": "en", "user-agent": "sample browser", **more.pop("headers", {})}
        super().__init__(base_url=base_url, headers=headers, follow_redirects=True, timeout=600, **more)

    def submit(
        self, page: httpx.Response, ending: str | None = None, files: Any = None, **fields: str
    ) -> httpx.Response:
        """Press the button of the form whose address ends so, or of the first."""
        for form in re.findall(r"<form[^>]*>.*?</form>", page.text, re.DOTALL):
            action = re.search(r'action="([^"]*)"', form)
            address = action[1] if action else page.url.path
            if ending is None or address.endswith(ending):
                hidden = dict(re.findall(r'type="hidden"[^>]*? name="([^"]+)" value="([^"]*)"', form))
                return self.post(
                    address,
                    data={**hidden, **fields},
                    files=files,
                    headers={"origin": "null", "sec-fetch-site": "same-origin"},
                )
        raise AssertionError(f"no form for {ending} in {page.text}")

    def enter(self, token: str) -> httpx.Response:
        return self.submit(self.get(f"/s/{token}"))


class Company:
    """A workspace, its desk, its pages on a port; the clock stands still until moved."""

    def __init__(self, workspace: Workspace, clock: ManualClock, server: Server) -> None:
        self.workspace, self.clock, self.server = workspace, clock, server
        self.desk = Desk(workspace)
        self.play = Play(self.desk)

    def sent(self, source: bytes | None = None, role: Role = Role.FIRST_PARTY, **more: Any) -> tuple[str, str]:
        """A document sent to a party; its id and the token of the link."""
        document_id = self.play.create(source or contract(), **more)
        self.desk.send(document_id)
        if role is Role.CLIENT:
            self.play.consent(document_id, Role.FIRST_PARTY)
            self.desk.work_on(document_id)
        self.play.deliver()
        return document_id, self.play.token(role)

    def visitor(self, **more: Any) -> Visitor:
        return Visitor(self.server.url, **more)

    def types(self, document_id: str) -> list[str]:
        return [event.type for event in self.desk.events(document_id)]

    def at_signature(self, visitor: Visitor, token: str, role: Role) -> httpx.Response:
        """Opened, code asked for and confirmed: the page for the signature."""
        page = visitor.submit(visitor.enter(token), "/code")
        self.play.deliver()
        return visitor.submit(page, "/confirm", code=self.play.code(role))


@pytest.fixture(scope="session")
def make_company(blank_workspace: Path) -> Callable[..., Any]:
    def make(folder: Path, **options: Any) -> Any:
        clock = ManualClock()
        listening = listen()
        shutil.copytree(blank_workspace, folder)
        file = folder / "sealtrail.toml"
        base = options.pop("base_url", f"http://127.0.0.1:{listening.getsockname()[1]}")
        text = re.sub(
            r"(?m)^base_url = .*$", f'base_url = "{base}"\npublic_host = "sign.example.org"', file.read_text()
        )
        tables = options.pop("settings", "")
        file.write_text(text + tables)
        workspace = Workspace.open(folder, clock=clock)
        app = create_app(Desk(workspace), **{"rates": GENEROUS, **options})
        return Company(workspace, clock, Server(app, listening))

    return make


@pytest.fixture
def company(make_company: Callable[..., Any], tmp_path: Path) -> Iterator[Company]:
    """One of its own."""
    made = make_company(tmp_path / "workspace")
    with made.server, made.workspace:
        yield made


@pytest.fixture(scope="module")
def shared(make_company: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """One for all tests of a module, for those that add documents and change nothing else."""
    made = make_company(tmp_path_factory.mktemp("company") / "workspace")
    with made.server, made.workspace:
        yield made


# --- A browser with a screen ---


@pytest.fixture(scope="module")
def launch(playwright: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Starts Chromium, with switches of one's own where wanted."""
    environment = {**os.environ, "FONTCONFIG_FILE": fonts(tmp_path_factory.mktemp("fonts"))}

    def start(*switches: str) -> Any:
        return browsers.chromium(playwright, *switches, env=environment)

    return start


@pytest.fixture(scope="module")
def chromium(launch: Callable[..., Any]) -> Iterator[Any]:
    browser = launch()
    yield browser
    browser.close()


@pytest.fixture
def phone(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages in a phone of one's own; what its console complains of fails the test."""
    contexts, complaints = [], []

    def open_(**options: Any) -> Any:
        context = chromium.new_context(
            viewport=PHONE, has_touch=True, is_mobile=options.pop("is_mobile", True), **{"locale": "en-GB", **options}
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)  # other tests may keep the machine busy
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None
        )
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []
