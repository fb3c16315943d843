"""A certificate of an earlier layout is held against the facts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from signing_core.certificate import layout, page
from signing_core.certificate.facts import AuthorityFacts, CertificateData
from signing_core.pdf import render


def other(facts: CertificateData, role: str, **values: Any) -> CertificateData:
    parties = tuple(dataclasses.replace(one, **values) if one.role == role else one for one in facts.parties)
    return dataclasses.replace(facts, parties=parties)


LATER = timedelta(seconds=1)
CHANGES: dict[str, Callable[[CertificateData], CertificateData]] = {
    "certificate_id": lambda facts: dataclasses.replace(facts, certificate_id="01M00000000000000000000000"),
    "document_id": lambda facts: dataclasses.replace(facts, document_id="01M00000000000000000000000"),
    "title": lambda facts: dataclasses.replace(facts, title="Another title"),
    "pages": lambda facts: dataclasses.replace(facts, pages=7_777),
    "organisation": lambda facts: dataclasses.replace(facts, organisation="Another Company"),
    "signed_sha256": lambda facts: dataclasses.replace(facts, signed_sha256="00" * 32),
    "signed_length": lambda facts: dataclasses.replace(facts, signed_length=facts.signed_length + 1),
    "issued_at": lambda facts: dataclasses.replace(facts, issued_at=facts.issued_at + timedelta(hours=7, seconds=7)),
    "client.name": lambda facts: other(facts, "client", name="Another Client"),
    "client.contact": lambda facts: other(facts, "client", contact="x…x@example.org"),
    "first-party.ip_address": lambda facts: other(facts, "first-party", ip_address="192.0.2.99"),
    "first-party.x509_certificate_sha256": lambda facts: other(facts, "first-party", x509_certificate_sha256="00" * 32),
    "client.consented_at": lambda facts: other(
        facts, "client", consented_at=facts.issued_at + timedelta(hours=7, seconds=7)
    ),
    "time_stamps": lambda facts: dataclasses.replace(facts, time_stamps=AuthorityFacts("Another Authority", False)),
    "seal": lambda facts: dataclasses.replace(facts, seal_certificate_sha256="00" * 32),
    "qr_key_id": lambda facts: dataclasses.replace(facts, qr_key_id="00" * 8),
}


def test_a_page_prints_its_own_facts(facts: CertificateData, printed: SimpleNamespace) -> None:
    assert layout.not_printed(render.text(printed.pdf, 1), facts, printed.url) == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_longest_one_too(extreme: CertificateData, url_of: Callable[[CertificateData], str], language: str) -> None:
    url = url_of(extreme)
    assert layout.not_printed(render.text(page.typeset(extreme, url, language), 1), extreme, url) == []


@pytest.mark.parametrize("name", ["محمد عبد الله", "王小明", "Владимир Иванов", "Đặng Thị Hồng", "שרה כהן"])
def test_names_in_every_script(facts: CertificateData, printed: SimpleNamespace, name: str) -> None:
    changed = other(facts, "client", name=name)
    text = render.text(page.typeset(changed, printed.url, "en"), 1)
    assert layout.not_printed(text, changed, printed.url) == []
    assert layout.not_printed(text, facts, printed.url) == ["client.name"]


@pytest.mark.parametrize("fact", CHANGES)
def test_every_fact_that_is_another_is_named(facts: CertificateData, printed: SimpleNamespace, fact: str) -> None:
    assert layout.not_printed(render.text(printed.pdf, 1), CHANGES[fact](facts), printed.url) == [fact]


def test_another_code_is_another_page(facts: CertificateData, printed: SimpleNamespace) -> None:
    assert layout.not_printed(render.text(printed.pdf, 1), facts, printed.url[:-1] + "Z") == ["qr_text"]


@pytest.mark.parametrize("change", ["signed_sha256", "seal", "client.x509_certificate_sha256"])
def test_a_hash_counts_to_its_last_digit(facts: CertificateData, printed: SimpleNamespace, change: str) -> None:
    role, _, name = change.rpartition(".")
    held = facts if not role else next(one for one in facts.parties if one.role == role)
    value = getattr(held, name or change) if change != "seal" else facts.seal_certificate_sha256
    last = value[:-1] + ("0" if value[-1] != "0" else "1")
    if role:
        changed = other(facts, role, **{name: last})
    else:
        changed = dataclasses.replace(facts, **{"seal_certificate_sha256" if change == "seal" else change: last})
    assert layout.not_printed(render.text(printed.pdf, 1), changed, printed.url) == [change]


def test_the_identifier_follows_what_sets_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    now = layout.identifier()
    assert now == layout.identifier.__wrapped__()
    assert len(bytes.fromhex(now)) == 8
    monkeypatch.setattr(layout.metadata, "version", lambda package: f"{package} of another year")
    assert layout.identifier.__wrapped__() != now
