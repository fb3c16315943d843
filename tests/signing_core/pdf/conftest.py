"""The keys to sign PDFs with and all five steps of a document. PDFs of every kind are in tests/shared/inputs.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from cryptography import x509
from inputs import A4, contract

from signing_core import typesetting
from signing_core.keys.ring import KeyRing
from signing_core.keys.software import OneTimeKey
from signing_core.pdf.prepare import FieldRequest, PrepareRequest, prepare
from signing_core.pdf.preserve import preserve
from signing_core.pdf.seal import seal
from signing_core.pdf.sign import Signed, sign


def moment() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="session")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return KeyRing.create(
        tmp_path_factory.mktemp("keys") / "ring", "a passphrase for tests", organisation="Sample GmbH", clock=moment
    )


def request_for(
    document_id: str = "01JTESTDOCUMENT00000000001", language: str = "en", **more: object
) -> PrepareRequest:
    fields = (FieldRequest("first-party", "Sample GmbH"), FieldRequest("client", "Sample Client"))
    values = {"fields": fields, "title": "Sample contract", **more}
    return PrepareRequest(document_id=document_id, language=language, **values)  # type: ignore[arg-type]


def picture(width: float, height: float, text: str) -> bytes:
    template = """
#let data = json(bytes(sys.inputs.data))
#set page(width: data.w * 1pt, height: data.h * 1pt, margin: 3pt, fill: none)
#set text(font: data.fonts, size: 9pt)
#rect(width: 100%, height: 100%, stroke: 1pt + blue, data.text)
"""
    fonts = typesetting.text_families()
    return typesetting.compile_pdf(template, {"w": width, "h": height, "text": text, "fonts": fonts})


@dataclass
class Flow:
    """All five steps of one document."""

    prepared: bytes
    first_party: Signed
    client: Signed
    sealed: Signed
    final: Signed
    crl: bytes
    client_key: OneTimeKey
    certificates: list[x509.Certificate]


def complete(ring: KeyRing, source: bytes, request: PrepareRequest | None = None) -> Flow:
    request = request or request_for()
    prepared = prepare(source, request)
    authority = ring.time_stamp_authority
    box = prepared.fields["first-party"]
    first = sign(
        prepared.data, role="first-party", key=ring.first_party, time_stamps=authority,
        appearance=picture(box.width_pt, box.height_pt, "Sample GmbH ↑ upright"), summary="Signed by Sample GmbH",
        signed_at=moment(), reason="Agreed", name="Sample GmbH", certify=True,
    )  # fmt: skip
    box = prepared.fields["client"]
    with ring.ca.issue_one_time("Sample Client", "sample-pseudonym", now=moment()) as key:
        second = sign(
            first.data, role="client", key=key, time_stamps=authority,
            appearance=picture(box.width_pt, box.height_pt, "Sample Client ↑ upright"), summary="Signed by Sample Client",
            signed_at=moment(), reason="Agreed", name="Sample Client", certify=False,
        )  # fmt: skip
    sealed = seal(
        second.data, key=ring.seal, time_stamps=authority, page=picture(*A4, "Authenticity certificate"),
        summary="Authenticity certificate", signed_at=moment(),
    )  # fmt: skip
    crl = ring.ca.crl(moment(), 1, [])
    certificates = [
        ring.first_party.certificate, key.certificate, ring.seal.certificate,
        ring.time_stamp_authority.certificate, ring.ca.certificate,
    ]  # fmt: skip
    final = preserve(sealed.data, certificates=certificates, crls=[crl], time_stamps=authority)
    return Flow(prepared.data, first, second, sealed, final, crl, key, certificates)


@pytest.fixture(scope="session")
def steps(ring: KeyRing) -> SimpleNamespace:
    """`complete(source)` runs all five steps; `request_for()` and `picture()` make what they need."""
    return SimpleNamespace(
        complete=lambda source, request=None: complete(ring, source, request), request_for=request_for, picture=picture
    )


@pytest.fixture(scope="session")
def flow(ring: KeyRing) -> Flow:
    return complete(ring, contract())
