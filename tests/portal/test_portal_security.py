"""Each line of what the pages promise about security, over a real server."""

from __future__ import annotations

import asyncio
import io
import logging
import re
import socket
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from portal.app import create_app
from portal.rates import RATES, Limiter, Rate
from portal.sessions import Vault, key_of, new_session
from signing_core.delivery import tokens
from signing_core.desk import Desk
from signing_core.flow import Role, Status
from signing_core.storage.workspace import Workspace
from signing_core.testing import CLIENT, Play, contract, wrong


def every_page(company: Any) -> dict[str, httpx.Response]:
    _document_id, token = company.sent()
    visitor = company.visitor()
    pages = {"landing": visitor.get(f"/s/{token}")}
    pages["read"] = visitor.enter(token)
    path = pages["read"].url.path
    pages["code"] = visitor.submit(pages["read"], "/code")
    company.play.deliver()
    pages["signature"] = visitor.submit(pages["code"], "/confirm", code=company.play.code(Role.FIRST_PARTY))
    pages["confirm"] = visitor.submit(pages["signature"], "/signature", kind="name", name="Erika Mustermann")
    for name in ("page/1", "text", "original", "decline"):
        pages[name] = visitor.get(f"{path}/{name}")
    pages["done"] = visitor.submit(pages["confirm"], "/consent", agree="yes")
    for address in (
        "/verify",
        "/V/AAAA",
        "/nothing",
        f"/s/{'x' * 43}",
        "/s/short",
        f"/d/{'x' * 43}",
        "/api/openapi.json",
    ):
        pages[address] = visitor.get(address)
    pages["foreign form"] = visitor.post("/verify", headers={"origin": "https://evil.example"})
    pages["css"] = visitor.get(re.search(r'href="(/static/[^"]+)"', pages["landing"].text)[1])
    return pages


def test_every_response_carries_the_headers(shared: Any) -> None:
    nonces = []
    for name, page in every_page(shared).items():
        headers = page.headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'"), name
        assert "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy, name
        assert not re.search(r"unsafe|https?:|\*", policy), name
        assert headers["x-content-type-options"] == "nosniff", name
        assert headers["referrer-policy"] == "no-referrer", name
        assert headers["cross-origin-opener-policy"] == "same-origin", name
        assert headers["cross-origin-resource-policy"] == "same-origin", name
        assert headers["cache-control"] == ("public, max-age=31536000, immutable" if name == "css" else "no-store"), (
            name
        )
        assert "strict-transport-security" not in headers, name  # plain HTTP on loopback
        nonces += set(re.findall(r"nonce-([\w-]+)", policy))
    assert len(nonces) > 10 and len(set(nonces)) == len(nonces)


def test_pages_load_nothing_from_elsewhere_and_run_no_inline_script(shared: Any) -> None:
    for name, page in every_page(shared).items():
        if not page.headers["content-type"].startswith("text/html"):
            continue
        assert not re.search(r"""(?:src|href|action)="(?:https?:)?//""", page.text), name
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style", page.text), name
        for tag in re.findall(r"<script[^>]*>|<link rel=\"stylesheet\"[^>]*>", page.text):
            assert "integrity=" in tag and "nonce=" in tag, name


def ask(app: Any, method: str, path: str, *, address: str = "203.0.113.9", **more: Any) -> httpx.Response:
    """A request as the server would hand it on, from any address, under a Host of the caller's own making."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(address, 50000))
        async with httpx.AsyncClient(transport=transport, base_url="https://anything.example") as client:
            return await client.request(method, path, **more)

    # In a thread of its own: a browser test before it may have left a running loop in this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, send()).result()


def test_over_https(blank_copy: Callable[..., Path]) -> None:
    with Workspace.open(blank_copy()) as workspace:  # its base_url is https://sign.example.org
        desk = Desk(workspace)
        app, play = create_app(desk), Play(desk)
        desk.send(play.create(contract()))
        play.deliver()
        token = play.token(Role.FIRST_PARTY)
        page = ask(app, "GET", f"/s/{token}")
        assert page.headers["strict-transport-security"] == "max-age=63072000"
        csrf = re.search(r'name="csrf" value="(\w+)"', page.text)[1]
        ours, theirs = {"origin": "https://sign.example.org"}, {"origin": "https://anything.example"}
        answer = ask(app, "POST", f"/s/{token}", data={"csrf": csrf}, headers=ours)
        refused = ask(app, "POST", f"/s/{token}", data={"csrf": csrf}, headers=theirs)
        app.state.site.close()
    cookie, key = answer.headers["set-cookie"], key_of(token)
    assert cookie.startswith(f"__Host-sealtrail-{key}=")
    for attribute in ("HttpOnly", "Secure", "Path=/", "SameSite=strict"):
        assert attribute in cookie
    assert "domain" not in cookie.lower()
    # From the settings, never from the Host header: the address is a path, and the name in the request is nowhere.
    assert answer.headers["location"] == f"/sign/{key}"
    assert "anything.example" not in page.text + str(answer.headers)
    assert refused.status_code == 403  # the origin of the request's own Host does not count


def test_plain_http_only_on_this_machine(shared: Any) -> None:
    for address, status in (("203.0.113.9", 403), ("127.0.0.1", 200), ("::1", 200), ("", 403)):
        page = ask(shared.server.app, "GET", "/verify", address=address)
        assert page.status_code == status, address
    visitor = shared.visitor()
    visitor.enter(shared.sent()[1])
    assert [cookie.name.startswith("sealtrail-") for cookie in visitor.cookies.jar] == [True]


def test_links_lead_to_the_base_url_whatever_the_host_header_says(shared: Any) -> None:
    answer = shared.visitor().get("/", headers={"host": "evil.example"}, follow_redirects=False)
    assert answer.headers["location"] == "/verify"
    for address in ("/verify/", "//evil.example/verify"):
        answer = shared.visitor().get(
            shared.server.url + address, headers={"host": "evil.example"}, follow_redirects=False
        )
        assert "evil.example" not in answer.headers.get("location", "")


def test_tokens_and_codes_are_in_no_log(company: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    for name in ("", "uvicorn", "uvicorn.access", "uvicorn.error"):
        logging.getLogger(name).addHandler(handler)
    logging.getLogger("uvicorn.access").setLevel(logging.INFO)
    _document_id, token = company.sent()
    visitor = company.visitor()
    signature = company.at_signature(visitor, token, Role.FIRST_PARTY)
    visitor.get(f"/s/{token}?copied=/s/{token}")
    visitor.get(f"/d/{token}")
    for name in ("", "uvicorn", "uvicorn.access", "uvicorn.error"):
        logging.getLogger(name).removeHandler(handler)
    said = written.getvalue() + caplog.text
    assert "/s/[token]" in said  # the access log is on, and this is what it says
    assert token not in said
    assert company.play.code(Role.FIRST_PARTY) not in said
    assert company.play.code(Role.FIRST_PARTY).replace(" ", "") not in said
    assert signature.status_code == 200
    for cookie in visitor.cookies.jar:
        assert cookie.value not in said


def test_get_and_head_change_nothing(company: Any) -> None:
    document_id, token = company.sent()
    visitor = company.visitor()
    visitor.enter(token)
    path = f"/sign/{key_of(token)}"
    before, state = len(company.desk.events(document_id)), company.desk.state(document_id)
    for name in (
        "",
        "/page/1",
        "/text",
        "/original",
        "/code",
        "/confirm",
        "/signature",
        "/consent",
        "/done",
        "/state",
        "/document",
        "/decline",
    ):
        for method in ("GET", "HEAD"):
            visitor.request(method, path + name)
    assert company.desk.state(document_id) == state
    assert len(company.desk.events(document_id)) == before


def test_fetched_and_viewed_are_different_events(company: Any) -> None:
    document_id, token = company.sent()
    visitor = company.visitor()
    visitor.head(f"/s/{token}")
    page = visitor.get(f"/s/{token}")
    ends = time.monotonic() + 10
    while company.types(document_id).count("link.fetched") < 2 and time.monotonic() < ends:
        time.sleep(0.02)  # noted after the answer has gone out
    assert company.types(document_id).count("link.fetched") == 2
    assert "link.opened" not in company.types(document_id)
    visitor.submit(page)
    assert company.types(document_id).count("link.opened") == 1
    opened = next(e for e in company.desk.events(document_id) if e.type == "link.opened")
    assert opened.content["actor"] == "first-party"


def test_a_mail_scanner_that_gets_heads_and_posts_every_link(company: Any) -> None:
    """It follows what the message holds and what the pages hold, and the party can still sign."""
    document_id, token = company.sent()
    scanner = company.visitor(headers={"user-agent": "sample mail scanner"})
    addresses = [f"/s/{token}", f"/s/{token}?", f"/d/{token}", "/verify"]
    for method in ("GET", "HEAD", "POST"):
        for address in addresses:
            answer = scanner.request(method, address)
            for link in re.findall(r'(?:href|action|src)="(/[^"]*)"', answer.text):
                scanner.request(method, link)
                scanner.post(link, data={"agree": "yes", "kind": "name", "name": "Scanner"})
    types = company.types(document_id)
    assert not {"link.opened", "code.issued", "consent.given", "document.declined"} & set(types)
    assert company.desk.state(document_id).status is Status.AWAITING_FIRST_PARTY
    # One that presses buttons as well opens the document, and gets no further: the code goes to the party.
    page = scanner.submit(scanner.get(f"/s/{token}?lang=en"))
    assert "Read the document" in page.text
    visitor = company.visitor()
    company.clock.forward(minutes=1)
    done = visitor.submit(
        visitor.submit(
            company.at_signature(visitor, token, Role.FIRST_PARTY), "/signature", kind="name", name="Sample Director"
        ),
        "/consent",
        agree="yes",
    )
    assert "You have signed" in done.text


FOREIGN = [
    {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    {"origin": "https://evil.example"},
    {"origin": "null", "sec-fetch-site": "cross-site"},
    {"origin": "null", "sec-fetch-site": "same-site"},
    {"origin": "null"},
    {},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_forms_from_elsewhere_are_refused(shared: Any, headers: dict[str, str]) -> None:
    document_id, token = shared.sent()
    visitor = shared.visitor()
    read = visitor.enter(token)
    csrf = re.search(r'name="csrf" value="(\w+)"', read.text)[1]
    before = len(shared.desk.events(document_id))
    path = read.url.path
    for address in (f"{path}/code", f"{path}/decline", f"/s/{token}", "/verify", "/V/AAAA", f"/d/{token}"):
        answer = visitor.post(address, data={"csrf": csrf, "reason": "no"}, headers=headers)
        assert answer.status_code == 403, address
    assert len(shared.desk.events(document_id)) == before


def test_every_post_needs_its_form_token(shared: Any) -> None:
    document_id, token = shared.sent()
    visitor, other = shared.visitor(), shared.visitor()
    path = visitor.enter(token).url.path
    of_another = re.search(r'name="csrf" value="(\w+)"', other.enter(shared.sent()[1]).text)[1]
    before = shared.types(document_id)
    ours = {"origin": "null", "sec-fetch-site": "same-origin"}
    posts = [f"{path}/{name}" for name in ("code", "confirm", "signature", "preview", "consent", "decline")]
    for address in (*posts, f"/s/{token}", f"/d/{token}", "/verify", "/V/AAAA"):
        for csrf in ("", "00", of_another, "é"):
            answer = visitor.post(address, data={"csrf": csrf, "reason": "no", "code": "123456"}, headers=ours)
            assert answer.status_code == 403, (address, csrf)
    assert shared.types(document_id) == before


def test_pages_without_the_cookie_are_closed(shared: Any) -> None:
    _, token = shared.sent()
    path = shared.visitor().enter(token).url.path
    stranger = shared.visitor()
    forged = Vault(b"x" * 32).seal_session(new_session(token))
    for value in (None, forged, "", "AAAA", "%00"):
        if value is not None:
            stranger.cookies.set(f"sealtrail-{key_of(token)}", value)
        for name in ("", "/page/1", "/text", "/original", "/code", "/signature", "/done", "/state", "/document"):
            assert stranger.get(path + name).status_code == 403, name


def test_cookie_of_one_link_opens_no_other(shared: Any) -> None:
    visitor = shared.visitor()
    first, second = shared.sent()[1], shared.sent()[1]
    visitor.enter(first)
    (cookie,) = visitor.cookies.jar
    visitor.cookies.set(f"sealtrail-{key_of(second)}", cookie.value)
    assert visitor.get(f"/sign/{key_of(second)}").status_code == 403


def test_unknown_and_expired_get_the_same_answer_in_the_same_time(company: Any) -> None:
    _, expired = company.sent()
    company.clock.forward(days=15)
    visitor = company.visitor()
    unknown = tokens.new_token()[0]

    def answer(token: str) -> tuple[int, str, float]:
        landing = visitor.get(f"/s/{token}")
        begun = time.perf_counter()
        page = visitor.submit(landing)
        return page.status_code, without_nonces(landing.text + page.text), time.perf_counter() - begun

    def without_nonces(text: str) -> str:
        return re.sub(r'nonce="[^"]*"|value="[0-9a-f]{64}"', "", text)

    answer(expired), answer(unknown)
    took: dict[str, list[float]] = {expired: [], unknown: []}
    texts = set()
    for _ in range(25):
        for token in took:
            status, text, seconds = answer(token)
            texts.add((status, text))
            took[token].append(seconds)
    assert len(texts) == 1
    assert texts.pop()[0] == 404
    apart = abs(statistics.median(took[expired]) - statistics.median(took[unknown]))
    assert apart < 0.005, apart


def test_answer_to_a_fetched_link_does_not_wait_for_the_note(company: Any) -> None:
    """A live link is noted in the log, an unknown one is not: after the answer, so that the time tells nothing."""
    from signing_core.storage.database import writing

    _, token = company.sent()
    with writing(company.workspace.engine):  # whoever writes now waits
        begun = time.perf_counter()
        page = company.visitor().get(f"/s/{token}")
        assert page.status_code == 200
        assert time.perf_counter() - begun < 2


@pytest.mark.parametrize(
    ("kind", "address"), [("link", "/s/{token}"), ("upload", "/verify"), ("code", "/sign/{key}/code")]
)
def test_rates_are_limited(make_company: Callable[..., Any], tmp_path: Path, kind: str, address: str) -> None:
    company = make_company(tmp_path / "workspace", rates={kind: Rate(3, 6)})
    with company.server, company.workspace:
        token = tokens.new_token()[0]
        address = address.format(token=token, key=key_of(token))
        visitor = company.visitor()
        ours = {"origin": "null", "sec-fetch-site": "same-origin"}

        def ask() -> httpx.Response:
            return visitor.get(address) if kind == "link" else visitor.post(address, data={"csrf": "0"}, headers=ours)

        assert 429 not in [ask().status_code for _ in range(3)]
        refused = ask()
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 11
        assert "try again" in refused.text
        assert visitor.get("/verify").status_code == 200  # the rest goes on


def test_limiter_fills_up_again_and_forgets_the_oldest() -> None:
    now = [0.0]
    limiter = Limiter({"link": Rate(2, 60)}, lambda: now[0])
    assert [limiter.wait("link", "192.0.2.1") for _ in range(3)] == [0, 0, 1.0]
    assert limiter.wait("link", "192.0.2.2") == 0
    now[0] = 1.0
    assert limiter.wait("link", "192.0.2.1") == 0
    # One subscriber of IPv6 has a /64: its addresses count as one.
    assert [limiter.wait("link", f"2001:db8::{n}") > 0 for n in range(3)] == [False, False, True]
    assert set(RATES) == {"link", "code", "upload", "page"}


# Uploads


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


def test_a_slow_upload_does_not_slow_the_others(shared: Any) -> None:
    """Three connections that send a byte now and then; somebody else is answered as before."""
    slow = []
    for _ in range(3):
        connection = socket.create_connection(("127.0.0.1", shared.server.port))
        connection.sendall(
            b"POST /api/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/pdf\r\nContent-Length: 40000000\r\n\r\n%PDF"
        )
        slow.append(connection)
    try:
        begun = time.perf_counter()
        answer = shared.visitor().post("/api/verify", content=b"%PDF-1.7", headers={"content-type": "application/pdf"})
        assert answer.status_code == 200
        assert shared.visitor().get("/verify").status_code == 200
        assert time.perf_counter() - begun < 5
        one_more = socket.create_connection(("127.0.0.1", shared.server.port))
        slow.append(one_more)
        one_more.sendall(
            b"POST /api/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/pdf\r\nContent-Length: 9\r\n\r\n"
        )
        time.sleep(0.3)
        fifth = shared.visitor().post("/api/verify", content=b"%PDF-1.7", headers={"content-type": "application/pdf"})
        assert (fifth.status_code, fifth.json()["error"]) == (503, "busy")  # no more than four from one address
    finally:
        for connection in slow:
            connection.close()


def test_a_silent_upload_is_ended(shared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.uploads.IDLE_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", shared.server.port)) as connection:
        connection.sendall(
            b"POST /api/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/pdf\r\nContent-Length: 4000\r\n\r\n%PDF"
        )
        connection.settimeout(10)
        assert b" 408 " in connection.recv(200)


def test_a_hostile_file_ends_its_worker_and_nothing_else(make_company: Callable[..., Any], tmp_path: Path) -> None:
    """A file that takes for ever costs its own request; the worker is replaced, and everybody else is answered meanwhile."""
    company = make_company(tmp_path / "workspace", work_seconds=2.0)
    with company.server, company.workspace:
        site = company.server.app.state.site
        ask = {"content-type": "application/pdf"}
        assert company.visitor().post("/api/verify", content=b"%PDF-1.7", headers=ask).status_code == 200
        worker = site.readers._free[0]
        import os
        import signal

        os.kill(worker.pid, signal.SIGSTOP)  # as good as a file that never ends
        answers = []
        stuck = threading.Thread(
            target=lambda: answers.append(company.visitor().post("/api/verify", content=b"%PDF-1.7", headers=ask))
        )
        stuck.start()
        time.sleep(0.2)
        begun = time.perf_counter()
        assert company.visitor().get("/verify").status_code == 200
        assert time.perf_counter() - begun < 1
        stuck.join(20)
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
    limits = Path(f"/proc/{worker.pid}/limits").read_text()
    assert re.search(r"Max address space +3221225472 ", limits)
    assert re.search(r"Max file size +0 ", limits)
    assert b"SEALTRAIL" not in Path(f"/proc/{worker.pid}/environ").read_bytes()
    opened = [str(path.resolve()) for path in Path(f"/proc/{worker.pid}/fd").iterdir() if path.exists()]
    assert not [name for name in opened if "sqlite" in name or "key" in Path(name).name]


def test_codes_wrong_late_and_reused(company: Any) -> None:
    _document_id, token = company.sent(role=Role.CLIENT)
    visitor = company.visitor()
    page = visitor.submit(visitor.enter(token), "/code")
    company.play.deliver()
    old = company.play.code(Role.CLIENT)
    assert CLIENT.contact not in page.text and "+49 … 12" in page.text
    page = visitor.submit(page, "/confirm", code=wrong(old))
    assert page.status_code == 422 and "A new one is on its way" in page.text
    company.play.deliver()
    new = company.play.code(Role.CLIENT)
    page = visitor.submit(page, "/confirm", code=old if old != new else wrong(new))
    assert "That code is wrong" in page.text
    company.play.deliver()
    late = company.play.code(Role.CLIENT)
    company.clock.forward(minutes=5, seconds=1)
    page = visitor.submit(page, "/confirm", code=late)
    assert page.status_code == 422 and "codes last five minutes" in page.text
    page = visitor.submit(page, "/code", again="yes")
    company.play.deliver()
    right = company.play.code(Role.CLIENT)
    kept = page
    page = visitor.submit(page, "/confirm", code=right)
    assert "Your signature" in page.text
    assert "Your signature" in visitor.submit(kept, "/confirm", code=right).text  # confirmed already: led on
    stranger = company.visitor()
    company.clock.forward(minutes=1)
    code_page = stranger.submit(stranger.enter(token), "/code")
    again = stranger.submit(code_page, "/confirm", code=right)
    assert "Your signature" not in again.text  # a used code opens nothing anywhere else


def test_five_wrong_codes_lock_the_step(company: Any) -> None:
    _, token = company.sent()
    visitor = company.visitor()
    page = visitor.submit(visitor.enter(token), "/code")
    for _ in range(5):
        company.play.deliver()
        page = visitor.submit(page, "/confirm", code=wrong(company.play.code(Role.FIRST_PARTY)))
    assert page.status_code == 429
    assert "Too many wrong codes" in page.text and "ask the sender to unlock it" in page.text


def test_codes_are_limited_with_a_way_on(company: Any) -> None:
    _, token = company.sent()
    visitor = company.visitor()
    page = visitor.submit(visitor.enter(token), "/code")
    page = visitor.submit(page, "/code", again="yes")
    assert page.status_code == 429
    assert "the next can be sent only at" in page.text and "Enter the code" in page.text


@pytest.mark.parametrize(
    ("end", "title"),
    [
        (lambda c, d: c.desk.void(d, "a mistake"), "The document was withdrawn"),
        (lambda c, d: c.desk.resend(d), "There is a newer link"),
        (lambda c, d: c.clock.forward(days=15), "This link does not work"),
        (lambda c, d: (c.clock.forward(days=61), c.desk.expire(d)), "The time for signing is over"),
        (lambda c, d: c.play.consent(d, Role.FIRST_PARTY), "Already signed"),
    ],
    ids=["voided", "replaced", "expired link", "expired document", "used"],
)
@pytest.mark.parametrize("language", ["en", "de"])
def test_links_that_ended(company: Any, end: Any, title: str, language: str) -> None:
    from portal.words import words

    document_id, token = company.sent()
    visitor = company.visitor(headers={"accept-language": language})
    inside = visitor.enter(token)
    company.clock.forward(minutes=2)
    end(company, document_id)
    (name,) = [key for key, text in words("en").items() if text == title]
    for page in (company.visitor(headers={"accept-language": language}).enter(token), visitor.get(inside.url.path)):
        assert page.status_code in (404, 410)
        assert words(language)[name] in page.text
        assert words(language)[name.removesuffix("_title")].split(".")[0] in page.text


def test_declining(company: Any) -> None:
    document_id, token = company.sent()
    visitor = company.visitor()
    visitor.enter(token)
    path = f"/sign/{key_of(token)}/decline"
    page = visitor.submit(visitor.get(path), "/decline", reason="  ")
    assert page.status_code == 422 and "Give a reason" in page.text
    page = visitor.submit(page, "/decline", reason="The price in § 3 is not the agreed one.")
    assert "You have declined" in page.text
    assert company.desk.state(document_id).status is Status.DECLINED
    assert "The document was declined" in company.visitor().enter(token).text


def test_resume_after_a_lost_connection(company: Any) -> None:
    """The browser comes back by its link or its address, and the code that is on its way is still good."""
    _, token = company.sent()
    visitor = company.visitor()
    visitor.submit(visitor.enter(token), "/code")
    company.play.deliver()
    visitor.enter(token)
    page = visitor.get(f"/sign/{key_of(token)}/code")
    page = visitor.submit(page, "/confirm", code=company.play.code(Role.FIRST_PARTY))
    assert "Your signature" in page.text
    assert "Your signature" in visitor.get(f"/sign/{key_of(token)}/code").text


def test_only_the_browser_that_signed_gets_the_document(company: Any) -> None:
    document_id, token = company.sent(role=Role.CLIENT)
    visitor = company.visitor()
    chosen = visitor.submit(
        company.at_signature(visitor, token, Role.CLIENT), "/signature", kind="name", name="Sample Client"
    )
    done = visitor.submit(chosen, "/consent", agree="yes")
    path = done.url.path.removesuffix("/done")
    assert visitor.get(f"{path}/document").status_code == 409
    company.desk.work_on(document_id)
    assert visitor.get(f"{path}/document").content.startswith(b"%PDF-")
    stranger = company.visitor()
    assert "Already signed" in stranger.enter(token).text
    assert stranger.get(f"{path}/document").status_code == 403


def test_download_links(company: Any) -> None:
    from signing_core.desk import Signer

    document_id, _token = company.sent(role=Role.CLIENT, client=Signer("Sample Client", CLIENT.contact))
    company.play.consent(document_id, Role.CLIENT)
    company.desk.work_on(document_id)
    company.play.deliver()
    from signing_core.testing import received

    text = [m.text for m in received(company.workspace) if m.to == CLIENT.contact][-1]
    link = re.search(r"/d/([A-Za-z0-9_-]{43})", text)[1]
    visitor = company.visitor()
    page = visitor.get(f"/d/{link}")
    assert "%PDF" not in page.text
    file = visitor.submit(page)
    assert file.content.startswith(b"%PDF-") and "attachment" in file.headers["content-disposition"]
    company.clock.forward(days=31)
    assert visitor.submit(visitor.get(f"/d/{link}")).status_code == 404


def test_preview_escapes_what_the_party_types(shared: Any) -> None:
    visitor = shared.visitor()
    page = shared.at_signature(visitor, shared.sent()[1], Role.FIRST_PARTY)
    page = visitor.submit(page, "/signature", kind="name", name='"><script>alert(1)</script>', preview="yes")
    assert "<script>alert" not in page.text and "&lt;script&gt;" in page.text


def test_a_choice_of_another_session_is_not_taken(company: Any) -> None:
    document_id, token = company.sent()
    visitor = company.visitor()
    company.at_signature(visitor, token, Role.FIRST_PARTY)
    page = visitor.get(f"/sign/{key_of(token)}/signature")
    csrf = re.search(r'name="csrf" value="(\w+)"', page.text)[1]
    vault = company.server.app.state.site.vault
    forged = vault.seal({"mark": {}, "stamp": None, "email": ""}, "choice of another")
    for choice in (forged, "", "AAAA"):
        answer = visitor.post(
            f"/sign/{key_of(token)}/consent",
            data={"csrf": csrf, "choice": choice, "agree": "yes"},
            headers={"origin": "null", "sec-fetch-site": "same-origin"},
        )
        assert answer.url.path.endswith("/signature")
    assert company.desk.state(document_id).status is Status.AWAITING_FIRST_PARTY
