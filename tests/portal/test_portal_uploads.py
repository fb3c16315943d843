"""Files from browsers: received in memory, limited, looked at only in worker processes that no one caller can fill."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from portal_requests import run

from portal.uploads import LARGE_PLACES, SMALL_PLACES, Places, Receiver

PDF = {"content-type": "application/pdf"}


def pdf_form(size: int) -> tuple[bytes, str]:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.7\n'
    return head + b"0" * size + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"


def test_too_large_a_file_is_refused_before_it_is_read(make_company: Callable[..., Any], tmp_path: Path) -> None:
    company = make_company(tmp_path / "workspace", max_file=200_000)
    with company.server, company.workspace:
        body, kind = pdf_form(300_000)
        answer = company.visitor().post("/api/verify", content=body, headers={"content-type": kind})
        assert (answer.status_code, answer.json()["error"]) == (413, "too-large")

        def chunks() -> Any:  # without a length in advance
            for start in range(0, len(body), 10_000):
                yield body[start : start + 10_000]

        answer = company.visitor().post("/api/verify", content=chunks(), headers={"content-type": kind})
        assert (answer.status_code, answer.json()["error"]) == (413, "too-large")
        visitor = company.visitor()
        page = visitor.submit(visitor.get("/verify"), files={"file": ("a.pdf", b"0" * 300_000, "application/pdf")})
        assert page.status_code == 413
        assert "The file is too large" in page.text


def test_uploads_are_never_on_a_disk(shared: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    body = b"%PDF-1.7\n" + b"a sample upload that nobody keeps " * 60_000
    before = set(shared.workspace.path.rglob("*"))
    assert (
        shared.visitor().post("/api/verify", content=body, headers={"content-type": "application/pdf"}).status_code
        == 200
    )
    assert list(tmp_path.iterdir()) == []
    assert set(shared.workspace.path.rglob("*")) - before == set()


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


def under_way(company: Any, places: Places) -> int:
    """How many bodies are being received and worked on."""
    return int(company.server.app.state.site.receiver._taken[places].total())


@contextmanager
def slow_uploads(company: Any, number: int, length: int = 40_000_000) -> Iterator[list[socket.socket]]:
    """Connections that begin an upload and go no further."""
    head = (
        f"POST /api/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/pdf\r\nContent-Length: {length}\r\n\r\n%PDF"
    )
    opened = []
    try:
        for _ in range(number):
            opened.append(socket.create_connection(("127.0.0.1", company.server.port)))
            opened[-1].sendall(head.encode())
        yield opened
    finally:
        for connection in opened:
            connection.close()


def from_another_address(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, transport=httpx.HTTPTransport(local_address="127.0.0.2"), timeout=600)


def test_a_slow_upload_does_not_slow_the_others(company: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One address has four uploads under way; neither its own forms nor anybody else's uploads wait for them."""
    monkeypatch.setattr("portal.uploads.IDLE_SECONDS", 300.0)  # whoever waited for them would wait for ever
    _, token = company.sent()
    large = b"%PDF-1.7" + b" " * 100_000
    with slow_uploads(company, 4), from_another_address(company.server.url) as other:
        until(lambda: under_way(company, LARGE_PLACES) == 4)
        refused = company.visitor().post("/api/verify", content=large, headers=PDF)
        assert (refused.status_code, refused.json()["error"]) == (503, "busy")
        visitor = company.visitor()
        assert "Enter the code" in visitor.submit(visitor.enter(token), "/code").text
        assert visitor.post("/api/verify", content=b"%PDF-1.7", headers=PDF).status_code == 200  # a small one
        assert other.post("/api/verify", content=large, headers=PDF).status_code == 200
        assert under_way(company, LARGE_PLACES) == 4
    until(lambda: company.visitor().post("/api/verify", content=large, headers=PDF).status_code != 503)


def test_a_silent_upload_is_ended(company: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.uploads.IDLE_SECONDS", 0.5)
    with slow_uploads(company, 1) as (connection,):
        connection.settimeout(60)
        assert b" 408 " in connection.recv(200)


def test_a_trickling_upload_is_ended(company: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never silent for long, and never done."""
    monkeypatch.setattr("portal.uploads.IDLE_SECONDS", 0.5)
    with slow_uploads(company, 1) as (connection,):
        connection.settimeout(0.1)
        ends, said = time.monotonic() + 60, b""
        while not said and time.monotonic() < ends:
            connection.sendall(b"x")
            try:
                said = connection.recv(200)
            except TimeoutError:
                continue
        assert b" 408 " in said


def test_one_caller_leaves_a_process_to_the_others(company: Any) -> None:
    """Three files that take for ever, from one address: they wait for each other, and nobody else waits for them."""
    readers = company.server.app.state.site.readers
    with from_another_address(company.server.url) as other:
        assert company.visitor().post("/api/verify", content=b"%PDF-1.7", headers=PDF).status_code == 200
        stuck = readers._free[0]
        os.kill(stuck.pid, signal.SIGSTOP)  # as good as a file that never ends
        answers: list[httpx.Response] = []
        senders = [
            threading.Thread(
                target=lambda: answers.append(company.visitor().post("/api/verify", content=b"%PDF-1.7", headers=PDF))
            )
            for _ in range(3)
        ]
        for sender in senders:
            sender.start()
        until(lambda: under_way(company, SMALL_PLACES) == 3 and not readers._free)
        assert other.post("/api/verify", content=b"%PDF-1.7", headers=PDF).status_code == 200
        assert answers == []
        os.kill(stuck.pid, signal.SIGKILL)
        for sender in senders:
            sender.join(60)
        assert sorted(answer.status_code for answer in answers) == [200, 200, 422]


def test_nobody_waits_for_a_process_for_ever(company: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.workers.PATIENCE_SECONDS", 0.3)
    visitor, readers = company.visitor(), company.server.app.state.site.readers
    assert visitor.post("/api/verify", content=b"%PDF-1.7", headers=PDF).status_code == 200
    stuck = readers._free[0]
    os.kill(stuck.pid, signal.SIGSTOP)
    first = threading.Thread(target=lambda: company.visitor().post("/api/verify", content=b"%PDF-1.7", headers=PDF))
    first.start()
    until(lambda: not readers._free)
    answer = visitor.post("/api/verify", content=b"%PDF-1.7", headers=PDF)
    os.kill(stuck.pid, signal.SIGCONT)
    first.join(60)
    assert (answer.status_code, answer.json()["error"]) == (503, "busy")


def test_a_subscriber_of_ipv6_is_one_caller() -> None:
    """Sixty-four bits of addresses are no way around the limits."""
    from starlette.requests import Request

    from portal.bodies import UploadRefused

    receiver = Receiver()

    async def body() -> Any:
        return {"type": "http.request", "body": b"%PDF-", "more_body": False}

    async def hold(number: int) -> None:
        headers = [(b"content-type", b"application/pdf"), (b"content-length", b"1000000")]
        scope = {"type": "http", "method": "POST", "headers": headers, "client": (f"2001:db8::{number:x}", 1)}
        async with receiver.form(Request(scope, body)):
            if number < LARGE_PLACES.each:
                await hold(number + 1)

    with pytest.raises(UploadRefused, match="busy"):
        run(lambda: hold(0))


def test_a_hostile_file_ends_its_worker_and_nothing_else(make_company: Callable[..., Any], tmp_path: Path) -> None:
    """A file that takes for ever costs its own request; the worker is replaced, and everybody else is answered meanwhile."""
    company = make_company(tmp_path / "workspace", work_seconds=5.0)
    with company.server, company.workspace:
        site = company.server.app.state.site
        ask = {"content-type": "application/pdf"}
        assert company.visitor().post("/api/verify", content=b"%PDF-1.7", headers=ask).status_code == 200
        worker = site.readers._free[0]
        os.kill(worker.pid, signal.SIGSTOP)  # as good as a file that never ends
        answers = []
        stuck = threading.Thread(
            target=lambda: answers.append(company.visitor().post("/api/verify", content=b"%PDF-1.7", headers=ask))
        )
        stuck.start()
        until(lambda: worker not in site.readers._free)
        assert company.visitor().get("/verify").status_code == 200
        assert answers == []
        stuck.join(60)
        assert (answers[0].status_code, answers[0].json()["error"]) == (422, "work")
        assert company.visitor().post("/api/verify", content=b"%PDF-1.7", headers=ask).status_code == 200
        assert worker not in site.readers._free


def test_workers_have_limits_and_no_secrets(shared: Any) -> None:
    assert (
        shared.visitor()
        .post("/api/verify", content=b"%PDF-1.7", headers={"content-type": "application/pdf"})
        .status_code
        == 200
    )
    worker = shared.server.app.state.site.readers._free[0]
    assert os.getpriority(os.PRIO_PROCESS, worker.pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 5)
    limits = Path(f"/proc/{worker.pid}/limits").read_text()
    address_space = re.search(r"Max address space +(\d+) ", limits)
    assert address_space is not None and int(address_space[1]) < 4 << 30
    assert re.search(r"Max cpu time +\d+ ", limits)
    assert re.search(r"Max file size +0 ", limits)
    assert b"SEALTRAIL" not in Path(f"/proc/{worker.pid}/environ").read_bytes()
    opened = [str(path.resolve()) for path in Path(f"/proc/{worker.pid}/fd").iterdir() if path.exists()]
    assert not [name for name in opened if "sqlite" in name or "key" in Path(name).name]
