"""Time-stamp requests and responses, and the checks on a token (RFC 3161 with RFC 5816). No I/O."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from asn1crypto import algos, cms, core, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing_core.keys import chains, der, oids

IMPRINT_LENGTHS: Final = {"sha256": 32, "sha384": 48, "sha512": 64}
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


class TimeStampResp(core.Sequence):  # type: ignore[misc]
    """As in asn1crypto, but that a refusal holds no token (RFC 3161, section 2.4.2)."""

    _fields = [  # noqa: RUF012
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


class TokenInvalid(ValueError):
    """The reason, as the end of a sentence that begins with the authority's name."""


@dataclass(frozen=True, slots=True)
class Request:
    algorithm: str
    imprint: bytes
    nonce: int | None
    policy: str | None
    include_certificates: bool

    def dump(self) -> bytes:
        fields: dict[str, Any] = {
            "version": "v1",
            "message_imprint": {"hash_algorithm": {"algorithm": self.algorithm}, "hashed_message": self.imprint},
            "cert_req": self.include_certificates,
        }
        if self.nonce is not None:
            fields["nonce"] = self.nonce
        if self.policy is not None:
            fields["req_policy"] = self.policy
        data: bytes = tsp.TimeStampReq(fields).dump()
        return data


class Refusal(Exception):
    """Why a request gets no token: `failure` is a PKIFailureInfo of RFC 3161, section 2.4.2."""

    def __init__(self, failure: str) -> None:
        super().__init__(failure)
        self.failure = failure


def new_request(imprint: bytes) -> Request:
    """For a SHA-256 `imprint`, with a nonce of 64 bits and the authority's X.509 certificate asked for."""
    return Request("sha256", imprint, secrets.randbits(63) | 1 << 63, None, True)


def read_request(data: bytes) -> Request:
    """Raises `Refusal`."""
    try:
        parsed = tsp.TimeStampReq.load(data, strict=True)
        if parsed["version"].native != "v1" or len(parsed["extensions"]):
            raise Refusal("unaccepted_extensions" if len(parsed["extensions"]) else "bad_request")
        imprint = parsed["message_imprint"]
        request = Request(
            algorithm=imprint["hash_algorithm"]["algorithm"].native,
            imprint=imprint["hashed_message"].native,
            nonce=parsed["nonce"].native,
            policy=parsed["req_policy"].dotted if parsed["req_policy"].native is not None else None,
            include_certificates=parsed["cert_req"].native,
        )
    except (ValueError, TypeError, KeyError):
        raise Refusal("bad_data_format") from None
    if request.algorithm not in IMPRINT_LENGTHS:
        raise Refusal("bad_alg")
    if len(request.imprint) != IMPRINT_LENGTHS[request.algorithm]:
        raise Refusal("bad_data_format")
    if request.policy not in (None, oids.TIME_STAMP_POLICY):
        raise Refusal("unaccepted_policy")
    return request


def response(token: bytes) -> bytes:
    """A DER TimeStampResp that grants `token`."""
    granted = {"status": {"status": "granted"}, "time_stamp_token": cms.ContentInfo.load(token)}
    data: bytes = TimeStampResp(granted).dump()
    return data


def refusal(reason: Refusal) -> bytes:
    """A DER TimeStampResp without a token."""
    status = {"status": "rejection", "fail_info": {reason.failure}}
    data: bytes = TimeStampResp({"status": status}).dump()
    return data


@dataclass(frozen=True, slots=True)
class CheckedToken:
    token: bytes
    time: datetime
    certificate: x509.Certificate


def check_response(data: bytes, request: Request, *, anchors: Iterable[x509.Certificate] | None = None) -> CheckedToken:
    """The token in a TimeStampResp, if it is granted, answers `request` and its signature verifies.

    `anchors`: where given, the authority's X.509 certificate must lead to one of them. Raises `TokenInvalid`.
    """
    try:
        parsed = TimeStampResp.load(data, strict=True)
        status = parsed["status"]
        if status["status"].native not in ("granted", "granted_with_mods"):
            reasons = ", ".join(sorted(status["fail_info"].native or ())) or "no reason given"
            raise TokenInvalid(f"refused the request ({reasons.replace('_', ' ')})")
        token = parsed["time_stamp_token"]
        if isinstance(token, core.Void):
            raise TokenInvalid("answered without a token")
        return _check_token(token, request, list(anchors) if anchors is not None else None)
    except TokenInvalid:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError):
        # asn1crypto raises any of these on malformed input
        raise TokenInvalid("answered with something that is no time-stamp response") from None


def certificates(token: bytes) -> list[x509.Certificate]:
    """The X.509 certificates that a DER TimeStampToken brings along, first the one it says it is signed with; nothing is verified.

    Raises `ValueError`.
    """
    try:
        signed = cms.ContentInfo.load(token)["content"]
        encoded = [choice.chosen for choice in signed["certificates"] if choice.name == "certificate"]
        pool = [x509.load_der_x509_certificate(one.dump()) for one in encoded]
        signer = _signer(signed["signer_infos"][0]["sid"], encoded, pool)
    except (TypeError, LookupError) as error:
        raise ValueError("no time-stamp token") from error
    return [signer, *(one for one in pool if one != signer)]


def _check_token(token: Any, request: Request, anchors: list[x509.Certificate] | None) -> CheckedToken:
    # asn1crypto encodes anew what it has looked into, slowly and not always with the same bytes: `dump` comes first.
    whole: bytes = token.dump()
    # (1) a CMS SignedData over a TSTInfo, by one signer
    if token["content_type"].native != "signed_data":
        raise TokenInvalid("answered with a token that is not signed")
    signed = token["content"]
    content = signed["encap_content_info"]
    if content["content_type"].native != "tst_info" or len(signed["signer_infos"]) != 1:
        raise TokenInvalid("answered with a token of another kind")
    raw_info: bytes = content["content"].contents
    info = tsp.TSTInfo.load(raw_info, strict=True)
    # (2) it answers this request: imprint and nonce
    imprint = info["message_imprint"]
    same_imprint = (
        imprint["hash_algorithm"]["algorithm"].native == request.algorithm
        and imprint["hashed_message"].native == request.imprint
    )
    if not same_imprint:
        raise TokenInvalid("time-stamped another imprint than the one asked for")
    if info["nonce"].native != request.nonce:
        raise TokenInvalid("answered with another nonce than the one sent")
    # (3) the signer's X.509 certificate, found by the signer's identifier and named in the ESS attribute
    signer_info = signed["signer_infos"][0]
    signed_attributes: bytes = signer_info["signed_attrs"].dump()
    encoded = [choice.chosen for choice in signed["certificates"] if choice.name == "certificate"]
    try:
        pool = [x509.load_der_x509_certificate(choice.dump()) for choice in encoded]
    except x509.InvalidVersion:
        raise TokenInvalid("an X.509 certificate in it has an unknown version") from None
    certificate = _signer(signer_info["sid"], encoded, pool)
    attributes = {attribute["type"].native: attribute["values"] for attribute in signer_info["signed_attrs"]}
    if len(attributes) != len(signer_info["signed_attrs"]):
        raise TokenInvalid("answered with a token that holds an attribute twice")
    _check_ess(attributes, certificate)
    # (4) the key is for time-stamping and nothing else (RFC 3161, section 2.3)
    _check_usage(certificate)
    time: datetime = info["gen_time"].native
    if not certificate.not_valid_before_utc <= time <= certificate.not_valid_after_utc:
        raise TokenInvalid("signed with an X.509 certificate that was not valid at the time it states")
    # (5) the signature value, over the signed attributes, over the content
    algorithm = signer_info["digest_algorithm"]["algorithm"].native
    if algorithm not in _HASHES:
        raise TokenInvalid(f"signed with the digest algorithm {algorithm}, which is not accepted")
    if attributes["content_type"][0].native != "tst_info":
        raise TokenInvalid("answered with a token whose attributes are of another kind")
    if attributes["message_digest"][0].native != hashlib.new(algorithm, raw_info).digest():
        raise TokenInvalid("answered with a token whose content was changed")
    # The attributes are signed as a SET, whatever their tag inside (RFC 5652, section 5.4).
    _verify(certificate, signer_info, algorithm, bytes([der.SET]) + signed_attributes[1:])
    # (6) trust, where anchors were given
    if anchors is not None and not chains.reaches(certificate, pool, anchors, time):
        raise TokenInvalid(
            "is not certified by one of the given trust anchors: name its root in the setting time_stamps.trust"
        )
    return CheckedToken(whole, time, certificate)


def _signer(identifier: Any, encoded: list[Any], pool: list[x509.Certificate]) -> x509.Certificate:
    for parsed, certificate in zip(encoded, pool, strict=True):
        if identifier.name == "issuer_and_serial_number":
            issuer, serial = identifier.chosen["issuer"], identifier.chosen["serial_number"].native
            if certificate.serial_number == serial and parsed.issuer == issuer:
                return certificate
        else:
            try:
                extension = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
            except x509.ExtensionNotFound:
                continue
            if extension.value.digest == identifier.chosen.native:
                return certificate
    raise TokenInvalid("answered without its X.509 certificate")


def _check_ess(attributes: dict[str, Any], certificate: x509.Certificate) -> None:
    encoded = certificate.public_bytes(Encoding.DER)
    if "signing_certificate_v2" in attributes:
        first = attributes["signing_certificate_v2"][0]["certs"][0]
        algorithm = first["hash_algorithm"]["algorithm"].native
        expected = hashlib.new(algorithm, encoded).digest() if algorithm in _HASHES else None
    elif "signing_certificate" in attributes:
        first = attributes["signing_certificate"][0]["certs"][0]
        # RFC 2634 fixes SHA-1 here; many authorities still write it, and the signature covers the attribute.
        expected = hashlib.sha1(encoded, usedforsecurity=False).digest()
    else:
        raise TokenInvalid("does not name its X.509 certificate in the token")
    if first["cert_hash"].native != expected:
        raise TokenInvalid("names another X.509 certificate in the token than it signed with")


def _check_usage(certificate: x509.Certificate) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, ValueError):
        raise TokenInvalid("signed with an X.509 certificate that is not for time-stamping") from None
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise TokenInvalid("signed with an X.509 certificate that is not for time-stamping alone")


def _verify(certificate: x509.Certificate, signer_info: Any, digest_algorithm: str, data: bytes) -> None:
    declared: algos.SignedDigestAlgorithm = signer_info["signature_algorithm"]
    kind = declared.signature_algo
    # rsaEncryption and its like name no hash: then it is the signer's digest algorithm (RFC 5652, section 5.4).
    name = declared["algorithm"].native
    algorithm = digest_algorithm if name == "rsassa_pkcs1v15" else declared.hash_algo
    if algorithm not in _HASHES:
        raise TokenInvalid(f"signed with the algorithm {name}, which is not accepted")
    hashed, signature = _HASHES[algorithm], signer_info["signature"].native
    key = certificate.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and kind == "ecdsa":
            key.verify(signature, data, ec.ECDSA(hashed))
        elif isinstance(key, rsa.RSAPublicKey) and kind == "rsassa_pkcs1v15":
            key.verify(signature, data, padding.PKCS1v15(), hashed)
        elif isinstance(key, rsa.RSAPublicKey) and kind == "rsassa_pss":
            parameters = declared["parameters"]
            mask = _HASHES[parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native]
            key.verify(signature, data, padding.PSS(padding.MGF1(mask), parameters["salt_length"].native), hashed)
        else:
            raise TokenInvalid(f"signed with the algorithm {name}, which does not fit its key")
    except InvalidSignature:
        raise TokenInvalid("answered with a token whose signature does not verify") from None
