"""A sample certificate, the key behind its QR code, and its rendered page."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from signing_core.certificate import page, payload
from signing_core.certificate.facts import AuthorityFacts, CertificateData, CodeEvent, PartyFacts, Picture
from signing_core.certificate.payload import QrClaims
from signing_core.pdf import render

_PROJECT = Path(__file__).parents[3]
_SIGNATURE = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 90"><path d="M10 70C30 10 50 0 55 30S30 90 60 60 90 20 '
    b'95 50s-5 30 10 10 20-30 25-5 0 30 15 10 30-40 30-10" fill="none" stroke="#1d2b5e" stroke-width="3"/></svg>'
)
_STAMP = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><circle cx="50" cy="50" r="45" fill="none" '
    b'stroke="#1d4b8e" stroke-width="4"/></svg>'
)


class SampleKey:
    """An Ed25519 key in memory: a `StatementKey`."""

    def __init__(self, seed: int = 1) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.public_key = self.private.public_key()
        self.key_id = payload.key_id(self.public_key)

    def sign(self, data: bytes) -> bytes:
        return self.private.sign(data)


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 11, 25, hour, minute, second, tzinfo=UTC)


def picture(kind: str) -> Picture:
    return Picture("image/svg+xml", _SIGNATURE if kind == "signature" else _STAMP)


@pytest.fixture(scope="session")
def sample_key() -> SampleKey:
    return SampleKey()


@pytest.fixture(scope="session")
def another_key() -> SampleKey:
    return SampleKey(2)


@pytest.fixture(scope="session")
def facts() -> CertificateData:
    """Two parties, one wrong code, a company stamp, one device that was not recorded."""
    first = PartyFacts(
        "first-party",
        "Sample Director",
        "Sample Seals GmbH",
        "d•••@example.org",
        "email",
        at(9, 2, 11),
        at(9, 5, 44),
        (CodeEvent("sent", 1, at(9, 6, 1)), CodeEvent("confirmed", 1, at(9, 6, 40))),
        at(9, 7, 12),
        at(9, 7, 13),
        "name",
        picture("signature"),
        picture("stamp"),
        "192.0.2.17",
        "Firefox 145 on Windows",
        "9f" * 32,
        link_openings=3,
        agreed="1a2b3c4d",
    )
    client = PartyFacts(
        "client",
        "Erika Mustermann",
        None,
        "+49 ••• ••• 0012",
        "sms",
        at(9, 7, 15),
        at(12, 58, 3),
        (
            CodeEvent("sent", 1, at(12, 59, 1)),
            CodeEvent("failed", 1, at(12, 59, 30)),
            CodeEvent("sent", 2, at(12, 59, 31)),
            CodeEvent("confirmed", 2, at(13, 0, 2)),
        ),
        at(13, 1, 55),
        at(13, 1, 57),
        "drawn",
        picture("signature"),
        None,
        "2001:db8:85a3::8a2e:370:7334",
        None,
        "7e" * 32,
        link_openings=1,
        copy_to="e…a@example.org",
    )
    return CertificateData(
        certificate_id="01KAXB2M5T4QW8Z3N6V7C9D0EF",
        document_id="01KAX9YJ7M3RP2S5T8V1W4X6Z0",
        title="Framework agreement for advisory services",
        author="Sample Author",
        file_names=("Framework agreement.docx",),
        pages=5,
        organisation="Sample Seals GmbH",
        host="sign.example.org",
        issued_at=at(13, 10, 22),
        signed_sha256="3e42ac002396fe2e2dbd6c4bf65db8f402ae3d430f838917278f6bb77f6e572b",
        signed_length=183456,
        parties=(first, client),
        time_stamps=AuthorityFacts("Sample Seals GmbH time-stamping", embedded=True),
        seal_certificate_sha256="ab" * 32,
        qr_key_id="fd110d301d2f077d",
        created_at=at(9, 1, 7),
        log_sequence=1234,
        zone=ZoneInfo("Europe/Berlin"),
    )


@pytest.fixture(scope="session")
def extreme(facts: CertificateData) -> CertificateData:
    """Everything as long as it comes: names, title, contact, device, fifteen code events, two stamps, three scripts."""
    codes = tuple(CodeEvent("failed" if i % 2 else "sent", i // 2 + 1, at(12, i)) for i in range(14))
    codes += (CodeEvent("confirmed", 8, at(12, 50)),)
    first = dataclasses.replace(
        facts.parties[0],
        name="Karl-Theodor Maria Nikolaus Johann Jacob Philipp Franz Joseph Sylvester von und zu Musterberg-Beispielhausen",
        organisation="Internationale Beteiligungs- und Vermögensverwaltungsgesellschaft für Muster mbH & Co. KGaA, Frankfurt",
        contact="x" * 60 + "@" + "y" * 40 + ".example.org",
        codes=codes,
        device="Mozilla/5.0 (X11; Linux x86_64) " * 10,
    )
    client = dataclasses.replace(
        facts.parties[1],
        name="محمد عبد الله بن عبد الرحمن 王小明",
        organisation="شركة النموذج التجارية المحدودة 示例贸易有限公司",
        stamp=picture("stamp"),
        codes=codes,
    )
    return dataclasses.replace(
        facts,
        title="Rahmenvertrag über Beratungs-, Prüfungs- und Vermögensverwaltungsleistungen 框架协议 اتفاقية إطارية "
        * 5,
        organisation=first.organisation or "",
        parties=(first, client),
        signed_length=41_234_567_890,
        pages=2000,
        host="authenticity-certificates.sample-company.example.org",
    )


@pytest.fixture(scope="session")
def claims_of() -> Callable[[CertificateData], QrClaims]:
    def make(data: CertificateData) -> QrClaims:
        return QrClaims(
            "sign.example.org",
            data.issued_at,
            data.certificate_id,
            data.document_id,
            bytes.fromhex(data.signed_sha256),
            data.signed_length,
            len(data.parties),
            data.log_sequence or 0,
        )

    return make


@pytest.fixture(scope="session")
def url_of(sample_key: SampleKey, claims_of: Callable[[CertificateData], QrClaims]) -> Callable[[CertificateData], str]:
    return lambda data: payload.to_url(payload.sign(claims_of(data), sample_key), data.host)


@pytest.fixture(scope="session")
def printed(facts: CertificateData, url_of: Callable[[CertificateData], str]) -> SimpleNamespace:
    """The sample certificate: `.url`, `.pdf` (one page) and `.image` (rendered at 200 dpi)."""
    url = url_of(facts)
    pdf = page.typeset(facts, url, "en")
    return SimpleNamespace(url=url, pdf=pdf, image=render.render(pdf, 1, dpi=200))


@pytest.fixture(scope="session")
def page_image(printed: SimpleNamespace) -> Image.Image:
    return printed.image  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def degraded() -> ModuleType:
    """`benchmarks/degraded.py`: what life does to a printed page."""
    spec = importlib.util.spec_from_file_location("degraded", _PROJECT / "benchmarks" / "degraded.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def qr_corpus() -> Path:
    folder = _PROJECT.parent / "shared" / "corpus" / "qr"
    if not folder.is_dir():
        pytest.skip("the corpus of foreign QR codes is not beside the project")
    return folder
