"""The dashboard on a seeded workspace, with an altered contract in it, as AppTest and a browser see it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import browsers
import pytest
from dashboard_browser import WIDE, dashboard, watch
from dashboard_parts import SCRIPT, Furnished, furnish
from streamlit.testing.v1 import AppTest

from dashboards import session


@pytest.fixture(scope="session")
def furnished(seeded: Any, tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    """To be looked at; `furnished_copy` is there to be worked on."""
    folder = Path(shutil.copytree(seeded.folder, tmp_path_factory.mktemp("furnished") / "workspace"))
    return furnish(folder, seeded.planted)


@pytest.fixture
def furnished_copy(furnished: Furnished, tmp_path: Path) -> Furnished:
    return Furnished(Path(shutil.copytree(furnished.folder, tmp_path / "copy")), furnished.documents)


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A browser on this machine; AppTest itself has neither headers nor an address."""
    monkeypatch.setattr(session, "connection", lambda: session.Connection("localhost:8501", frozenset(), True))
    monkeypatch.setenv(session.DEMO_VARIABLE, "1")
    yield
    while session._open:
        session._open.popitem()[1].close()


@pytest.fixture
def show(local: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """`show(folder, "documents", person=ANNA, language="de", q="text")`: a page as that person sees it."""

    def run(folder: Path, page: str, *, person: str | None = None, language: str = "en", **address: str) -> AppTest:
        monkeypatch.setenv("SEALTRAIL_WORKSPACE", str(folder))
        test = AppTest.from_file(SCRIPT, default_timeout=600)
        test.session_state["language"] = language
        if person is not None:
            test.session_state["demo_person"] = person
        test.run()
        if page != "today":
            test.switch_page(f"screens/{page}.py")
        for key, value in address.items():
            test.query_params[key] = value
        test.run()
        assert not test.exception, test.exception[0].stack_trace
        return test

    return run


@pytest.fixture(scope="module")
def chromium(playwright: Any) -> Iterator[Any]:
    browser = browsers.chromium(playwright, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    yield browser
    browser.close()


@pytest.fixture
def desktop(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens a browser window of one's own; an error of a page's script fails the test."""
    contexts, complaints = [], []

    def open_(**options: Any) -> Any:
        context = chromium.new_context(**{"viewport": WIDE, "locale": "en-GB", "accept_downloads": True, **options})
        contexts.append(context)
        page = watch(context.new_page())
        page.set_default_timeout(45_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def served(furnished: Furnished, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Furnished, str]]:
    """A copy that the tests of a module work on, each on what no other of them counts; and the address of its dashboard,
    where the sample people can be chosen from."""
    folder = Path(shutil.copytree(furnished.folder, tmp_path_factory.mktemp("served") / "workspace"))
    with dashboard(folder, **{session.DEMO_VARIABLE: "1"}) as address:
        yield Furnished(folder, furnished.documents), address
