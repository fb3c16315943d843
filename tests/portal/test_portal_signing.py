"""What can happen to a party on the way: codes wrong, late and reused, links that ended, declining, coming back."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from portal.sessions import key_of
from portal.words import words
from signing_core.delivery.tokens import new_token
from signing_core.desk import Signer, endings
from signing_core.flow import Role, Status
from signing_core.testing import CLIENT, received, wrong


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


@pytest.mark.parametrize("language", ["en", "de"])
def test_nobody_is_asked_for_a_code_when_the_seal_has_ended(
    company: Any, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setattr(endings, "needed_to_send", lambda *_: lambda deadline: None)  # sent when the seal lasted longer
    company.clock.now = company.workspace.keys().seal.certificate.not_valid_after_utc - timedelta(days=10)
    document_id, token = company.sent()
    visitor = company.visitor(headers={"accept-language": language})
    page = visitor.enter(token)
    company.clock.forward(days=11)
    refused = visitor.submit(page, "/code")
    assert refused.status_code == 503
    assert str(words(language)["p_key_ends_title"]) in refused.text
    assert company.types(document_id)[-1] == "step.refused"
    for key in ("seal", "first-party"):
        company.workspace.keys().renew(key)
    assert visitor.submit(page, "/code").status_code == 200


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


@pytest.mark.parametrize(("language", "said"), [("en", "part of what you sign"), ("de", "Teil dessen, was Sie")])
def test_everybody_who_signs_is_shown_the_files_inside(company: Any, make: Any, language: str, said: str) -> None:
    source = make.with_files(terms=b"the terms", **{"<b>plan": b"a plan"})
    for role in Role:
        _, token = company.sent(source, role)
        text = company.visitor(headers={"accept-language": language}).enter(token).text
        assert "terms.txt" in text and "&lt;b&gt;plan.txt" in text and said in text
    _, token = company.sent()
    assert said not in company.visitor(headers={"accept-language": language}).enter(token).text


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


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_damaged_file_gets_no_consent_and_a_page_that_says_so(company: Any, language: str) -> None:
    document_id, token = company.sent(role=Role.CLIENT)
    visitor = company.visitor(headers={"accept-language": language})
    chosen = visitor.submit(
        company.at_signature(visitor, token, Role.CLIENT), "/signature", kind="name", name="Sample Client"
    )
    file = company.workspace.objects.path(company.desk.state(document_id).document_sha256)
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-40])
    refused = visitor.submit(chosen, "/consent", agree="yes")
    say = words(language)
    assert refused.status_code == 409
    assert say["p_file_title"] in refused.text and say["p_file"] in refused.text
    assert company.desk.state(document_id).status is Status.AWAITING_CLIENT
    assert company.desk.events(document_id)[-1].data["because"] == "file-not-as-logged"


def test_download_links(company: Any) -> None:
    document_id, _token = company.sent(role=Role.CLIENT, client=Signer("Sample Client", CLIENT.contact))
    company.play.consent(document_id, Role.CLIENT)
    company.desk.work_on(document_id)
    company.play.deliver()
    text = [m.text for m in received(company.workspace) if m.to == CLIENT.contact][-1]
    link = re.search(r"/d/([A-Za-z0-9_-]{43})", text)[1]
    visitor = company.visitor()
    page = visitor.get(f"/d/{link}")
    assert "%PDF" not in page.text
    file = visitor.submit(page)
    assert file.content.startswith(b"%PDF-") and "attachment" in file.headers["content-disposition"]
    company.clock.forward(days=31)
    expired, unknown = (visitor.submit(visitor.get(f"/d/{token}")) for token in (link, new_token()[0]))
    assert (expired.status_code, unknown.status_code) == (404, 404)
    assert re.sub(r'nonce="[^"]*"', "", expired.text) == re.sub(r'nonce="[^"]*"', "", unknown.text)


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


HOSTILE = [
    "",
    "\x00",
    "\u202e\u2066",
    "a" * 100_000,
    "[[[1,2],[3",
    "[" * 50_000,
    "[[[NaN,1],[2,Infinity]]]",
    "[[[1e400,1]]]",
    "😀" * 50,
]


def test_hostile_values_are_no_faults(shared: Any) -> None:
    """Whatever a form or an address holds, the answer is a page: refused with a way on, or taken."""
    _, token = shared.sent()
    visitor, declining = shared.visitor(), shared.visitor()
    page = shared.at_signature(visitor, token, Role.FIRST_PARTY)
    path = f"/sign/{key_of(token)}"
    headers = {"origin": "null", "sec-fetch-site": "same-origin"}
    answers = [visitor.get(f"{path}/page/{number}") for number in ("0", "3", "9" * 30, "-1", "x")]
    for value in HOSTILE:
        answers += [
            visitor.submit(page, "/signature", kind="name", name=value, style=value, stamp=value, email=value),
            visitor.submit(page, "/signature", kind="drawn", strokes=value),
            visitor.submit(page, "/signature", kind=value),
            visitor.submit(page, "/signature", kind="name", name=value, preview="yes"),
        ]
        for step in ("preview", "confirm", "consent"):
            fields = {"name": value, "code": value, "challenge": value, "choice": value, "agree": "yes"}
            answers.append(visitor.post(f"{path}/{step}", data={"csrf": csrf_of(page), **fields}, headers=headers))
        answers += [visitor.get(path, params={query: value[:1000]}) for query in ("from", "lang", "x")]
    other = declining.enter(shared.sent()[1])
    fields = {"csrf": csrf_of(other), "reason": "\x00\u202e" + "a" * 100_000}
    answers.append(declining.post(f"{other.url.path}/decline", data=fields, headers=headers))
    assert "You have declined" in answers[-1].text
    for answer in answers:
        assert answer.status_code < 500, (answer.request.url, answer.text)


def csrf_of(page: Any) -> str:
    return re.search(r'name="csrf" value="(\w+)"', page.text)[1]
