"""Our keys and time-stamp authorities in the shape in which pyHanko takes them.

Signatures are CAdES-like CMS (ETSI EN 319 142-1, 5.3: SubFilter `ETSI.CAdES.detached`), made with SHA-256.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509
from asn1crypto.algos import SignedDigestAlgorithm
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes, Signer
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signing_core.errors import KeyUnavailable, TimeStampUnavailable
from signing_core.keys.interface import SigningKey, TimeStampAuthority

DIGEST: Final = "sha256"

_MECHANISMS: Final = {"ecdsa-sha256": "sha256_ecdsa", "rsa-pkcs1v15-sha256": "sha256_rsa"}

_T = TypeVar("_T")


def signature(digest: bytes, *, key: SigningKey, time_stamps: TimeStampAuthority) -> bytes:
    """The DER ContentInfo of a PAdES B-T signature over a SHA-256 `digest` (ETSI EN 319 142-1, table 1).

    Raises `KeyUnavailable` and `TimeStampUnavailable`.
    """
    return _run(_signature(digest, _KeySigner(key), _AuthorityTimeStamper(time_stamps)))


async def _signature(digest: bytes, signer: Signer, time_stamper: TimeStamper) -> bytes:
    # Bytes and no structure: at the end of a task in the main thread, restoring its signal handler makes Python 3.11 write out the
    # task with its result, and asn1crypto encodes a fresh structure for that over and over, for seconds.
    signed = await signer.async_sign(
        digest, DIGEST, use_pades=True, timestamper=time_stamper, signed_attr_settings=PdfCMSSignedAttributes()
    )
    return bytes(signed.dump())


def time_stamp(digest: bytes, authority: TimeStampAuthority) -> bytes:
    """A DER TimeStampToken over a SHA-256 `digest`, checked to be over it. Raises `TimeStampUnavailable`."""
    token = authority.time_stamp(digest)
    _imprint_checked(token, digest, authority)
    return token


def certificates_in(token: bytes) -> list[bytes]:
    """The DER X.509 certificates that a CMS SignedData carries."""
    content = cms.ContentInfo.load(token)["content"]
    return [choice.chosen.dump() for choice in content["certificates"] if choice.name == "certificate"]


def certificates_of_signature(contents: bytes) -> list[bytes]:
    """Those that a signature's CMS SignedData carries, and those of its signature-time-stamps (ETSI EN 319 122-1, 5.3)."""
    signed = cms.ContentInfo.load(contents)["content"]
    found = certificates_in(contents)
    for signer in signed["signer_infos"]:
        attributes = signer["unsigned_attrs"]
        for attribute in attributes if isinstance(attributes, cms.CMSAttributes) else ():
            if attribute["type"].native == "signature_time_stamp_token":
                for token in attribute["values"]:
                    found += certificates_in(token.dump())
    return found


class _KeySigner(Signer):
    """A pyHanko signer whose private key is a `SigningKey`."""

    def __init__(self, key: SigningKey) -> None:
        if key.mechanism not in _MECHANISMS:
            raise KeyUnavailable(f"A key with the mechanism {key.mechanism} cannot sign PDFs; use ECDSA P-256 or RSA.")
        registry = SimpleCertificateStore()
        registry.register_multiple([_asn1(issuer) for issuer in key.chain])
        super().__init__(
            embed_roots=False,  # who trusts a root has it
            signing_cert=_asn1(key.certificate),
            signature_mechanism=SignedDigestAlgorithm({"algorithm": _MECHANISMS[key.mechanism]}),
            cert_registry=registry,
        )
        self._key = key

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        if digest_algorithm != DIGEST or dry_run:
            raise ValueError("only SHA-256, and never for a trial")
        return self._key.sign(data)


class _AuthorityTimeStamper(TimeStamper):
    """A pyHanko time-stamper that asks a `TimeStampAuthority`."""

    def __init__(self, authority: TimeStampAuthority) -> None:
        super().__init__(include_nonce=False)  # type: ignore[no-untyped-call]
        self._authority = authority

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        if md_algorithm != DIGEST:
            raise ValueError("only SHA-256")
        return cms.ContentInfo.load(time_stamp(message_digest, self._authority))


def _imprint_checked(token: bytes, digest: bytes, authority: TimeStampAuthority) -> None:
    try:
        content = cms.ContentInfo.load(token)["content"]["encap_content_info"]["content"].parsed
        imprint = content["message_imprint"]["hashed_message"].native if isinstance(content, tsp.TSTInfo) else None
    except (ValueError, TypeError, KeyError):
        imprint = None
    if imprint != digest:
        raise TimeStampUnavailable(
            f"The time-stamp from {authority.name} is not over what was sent to it; try again later."
        )


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def _run(work: Coroutine[Any, Any, _T]) -> _T:
    """Runs a coroutine to its end, also where the caller is itself inside an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
