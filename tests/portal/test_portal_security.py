"""Each line of what the pages promise about security, over a real server."""

from __future__ import annotations

import io
import logging
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from portal_requests import ask

from portal.app import create_app
from portal.gate import MOST_COOKIES
from portal.sessions import Vault, key_of, new_session
from signing_core.delivery import tokens
from signing_core.desk import Desk
from signing_core.flow import Role, Status
from signing_core.storage import database
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock, Play, contract


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


def test_somebody_who_signs_all_day_does_not_outgrow_the_headers(blank_copy: Callable[..., Path]) -> None:
    """The browser keeps the links opened last; all cookies together stay below what proxies take."""
    clock = ManualClock()
    with Workspace.open(blank_copy(), clock=clock) as workspace:
        desk = Desk(workspace)
        app, play, kept = create_app(desk), Play(desk), {"__Host-sealtrail-" + "0" * 20: "made elsewhere"}
        ours, opened = {"origin": "https://sign.example.org"}, []
        for _ in range(MOST_COOKIES + 3):
            desk.send(play.create(contract()))
            play.deliver()
            token = play.token(Role.FIRST_PARTY)
            csrf = app.state.site.vault.form_token(f"/s/{token}")
            clock.forward(seconds=2)
            headers = {**ours, "cookie": "; ".join(f"{name}={value}" for name, value in kept.items())}
            answer = ask(app, "POST", f"/s/{token}", data={"csrf": csrf}, headers=headers)
            for cookie in answer.headers.get_list("set-cookie"):
                name, value = cookie.partition(";")[0].split("=", 1)
                if "Max-Age=0" in cookie:
                    kept.pop(name)
                else:
                    kept[name] = value
            opened.append(f"__Host-sealtrail-{key_of(token)}")
        app.state.site.close()
    assert list(kept) == opened[3:]
    assert sum(len(name) + len(value) + 3 for name, value in kept.items()) < 6000


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
    texts, apart = set(), []
    for _ in range(5):  # a difference that is the pages' is there in every round, one that is the machine's is not
        took: dict[str, list[float]] = {expired: [], unknown: []}
        for _ in range(25):
            for token in took:
                status, text, seconds = answer(token)
                texts.add((status, text))
                took[token].append(seconds)
        apart.append(abs(statistics.median(took[expired]) - statistics.median(took[unknown])))
        if apart[-1] < 0.005:
            break
    assert len(texts) == 1
    assert texts.pop()[0] == 404
    assert min(apart) < 0.005, apart


def test_answer_to_a_fetched_link_does_not_wait_for_the_note(company: Any) -> None:
    """A live link is noted in the log, an unknown one is not: after the answer, so that the time tells nothing."""
    _, token = company.sent()
    with database.writing(company.workspace.engine):  # whoever writes now waits
        begun = time.perf_counter()
        page = company.visitor().get(f"/s/{token}")
        assert page.status_code == 200
        assert time.perf_counter() - begun < database.BUSY_SECONDS / 2
