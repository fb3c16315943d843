"""What X.509 certificates are for: extended key usages of signers and of time-stamp authorities."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import signed_samples as made
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from signed_samples import NOW, How, Pdf

from signing_core.pki import der
from signing_core.policy import purposes
from signing_core.verdict import DocumentVerdict, Indication, Integrity, SubIndication, Trust

Judge = Callable[..., DocumentVerdict]

SERVER, CLIENT, CODE, EMAIL = (f"1.3.6.1.5.5.7.3.{number}" for number in (1, 2, 3, 4))
STAMPING, OCSP, DOCUMENT = (f"1.3.6.1.5.5.7.3.{number}" for number in (8, 9, 36))
ADOBE, MICROSOFT, ANY = "1.2.840.113583.1.1.5", "1.3.6.1.4.1.311.10.3.12", "2.5.29.37.0"
SMART_CARD, UNKNOWN = "1.3.6.1.4.1.311.20.2.2", "1.3.6.1.4.1.99999.3"


def for_purposes(*usages: str, critical: bool) -> list[tuple[x509.ExtensionType, bool]]:
    return [(x509.ExtendedKeyUsage([x509.ObjectIdentifier(usage) for usage in usages]), critical)]


def signed(root: made.Identity, usages: tuple[str, ...], *, critical: bool, sub_filter: str) -> bytes:
    signer = made.issue("Sample Signer", root, extra=for_purposes(*usages, critical=critical))
    return made.signed(signer, sub_filter=sub_filter)


@pytest.mark.parametrize("critical", [True, False])
@pytest.mark.parametrize("sub_filter", ["ETSI.CAdES.detached", "adbe.pkcs7.detached"])
@pytest.mark.parametrize(
    "usages",
    [(SERVER,), (CLIENT,), (SERVER, CLIENT), (CODE,), (OCSP,), (STAMPING,), (SMART_CARD, CLIENT), (UNKNOWN,)],
)
def test_a_certificate_for_something_else_signs_no_documents(
    usages: tuple[str, ...], sub_filter: str, critical: bool, world, judge: Judge, codes
) -> None:
    data = signed(world.root, usages, critical=critical, sub_filter=sub_filter)
    verdict = judge(data)
    assert (verdict.integrity, verdict.trust, verdict.indication, verdict.sub_indication) == (
        Integrity.INTACT, Trust.TRUSTED, Indication.INDETERMINATE, SubIndication.CHAIN_CONSTRAINTS_FAILURE,
    )  # fmt: skip
    assert "extended-key-usage" in codes(verdict)
    assert "extended-key-usage" in codes(judge(data, roots=[]))  # said without anchors as well


@pytest.mark.parametrize("critical", [True, False])
@pytest.mark.parametrize(
    "usages",
    [(DOCUMENT,), (EMAIL,), (ADOBE,), (MICROSOFT,), (ANY,), (CLIENT, EMAIL), (UNKNOWN, MICROSOFT), (SERVER, ANY)],
)
def test_a_certificate_for_documents_too(usages: tuple[str, ...], critical: bool, world, judge: Judge) -> None:
    data = signed(world.root, usages, critical=critical, sub_filter="ETSI.CAdES.detached")
    assert judge(data).indication is Indication.TOTAL_PASSED


def test_an_extension_that_cannot_be_read_allows_nothing(world, judge: Judge, codes) -> None:
    empty = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.37"), b"\x30\x00")
    signer = made.issue("Sample Signer", world.root, extra=[(empty, False)])
    verdict = judge(made.signed(signer))
    assert verdict.sub_indication is SubIndication.CHAIN_CONSTRAINTS_FAILURE
    assert "extended-key-usage" in codes(verdict)


@pytest.mark.parametrize(
    "extensions",
    [
        [],
        for_purposes(STAMPING, critical=False),
        for_purposes(STAMPING, EMAIL, critical=True),
        for_purposes(ANY, critical=True),
        for_purposes(EMAIL, critical=True),
    ],
    ids=["none", "not critical", "with another", "any", "another"],
)
def test_a_time_stamp_authority_is_for_that_alone_and_says_so_critically(
    extensions, world, judge: Judge, codes
) -> None:
    authority = made.issue("Loose TSA", world.root, extra=extensions)
    verdict = judge(
        made.signed(world.signer, stamp=lambda v: made.token(authority, v, NOW)), at=NOW + timedelta(days=1)
    )
    assert verdict.signatures[0].proven_time is None
    assert "time-stamp-key-usage" in codes(verdict)
    pdf = Pdf.new()
    pdf.time_stamp(authority, NOW)
    alone = judge(pdf.data, at=NOW + timedelta(days=1))
    assert (alone.integrity, alone.indication) == (Integrity.INTACT, Indication.INDETERMINATE)


def test_a_time_stamp_authority_whose_key_usage_is_another(world, judge: Judge, codes) -> None:
    authority = made.time_stamping("Odd TSA", world.root, usage="none")
    verdict = judge(
        made.signed(world.signer, stamp=lambda v: made.token(authority, v, NOW)), at=NOW + timedelta(days=1)
    )
    assert (verdict.signatures[0].proven_time, "time-stamp-key-usage" in codes(verdict)) == (None, True)


def test_the_list_stands_in_the_documentation() -> None:
    page = Path(__file__).parents[3] / "docs/verification.md"
    assert purposes.markdown() in page.read_text()


def test_an_extension_twice_is_relied_on_by_nobody(world, judge: Judge, codes) -> None:
    """One reader finds the purpose that the other does not."""
    like = made.issue("Sample Signer", world.root, extra=for_purposes(DOCUMENT, critical=False))
    body, algorithm, _ = der.children(der.read(like.der))
    fields = [node.encoded for node in der.children(body)]
    extensions = der.children(der.children(der.children(body)[-1])[0])
    other = made.sequence(made.oid("2.5.29.37"), made.tlv(4, made.sequence(made.oid(SERVER))))
    fields[-1] = made.tlv(0xA3, made.sequence(*(node.encoded for node in extensions), other))
    tbs = made.sequence(*fields)
    value = world.root.key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    encoded = made.sequence(tbs, algorithm.encoded, made.tlv(3, b"\0", value))
    pdf = Pdf.new()
    pdf.sign(
        lambda covered: made.cms(like, covered, How(certificates=[encoded, world.root.der], ess=None)),
        sub_filter="adbe.pkcs7.detached",
    )
    verdict = judge(pdf.data)
    assert verdict.sub_indication is SubIndication.CHAIN_CONSTRAINTS_FAILURE
    assert "critical-extension" in codes(verdict)
