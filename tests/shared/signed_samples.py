"""A throwaway PKI, CMS signatures and signed PDFs, made from nothing but DER and bytes.

Independent of the code under test, and free to be wrong: every field of a signature can be made as it must not be.
"""

from __future__ import annotations

import hashlib
import itertools
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from asn1crypto import keys
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signing_core.trust import House, Part, TrustStore

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
YEAR = timedelta(days=365)
DATA = "1.2.840.113549.1.7.1"
TST_INFO = "1.2.840.113549.1.9.16.1.4"

HASHES: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(), "sha1": hashes.SHA1(), "sha224": hashes.SHA224(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(), "sha3_256": hashes.SHA3_256(), "sha3_384": hashes.SHA3_384(), "sha3_512": hashes.SHA3_512(),
}  # fmt: skip
DIGEST_OIDS = {
    "md2": "1.2.840.113549.2.2", "md5": "1.2.840.113549.2.5", "sha1": "1.3.14.3.2.26", "sha224": "2.16.840.1.101.3.4.2.4", "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2", "sha512": "2.16.840.1.101.3.4.2.3", "sha3_256": "2.16.840.1.101.3.4.2.8",
    "sha3_384": "2.16.840.1.101.3.4.2.9", "sha3_512": "2.16.840.1.101.3.4.2.10", "shake256": "2.16.840.1.101.3.4.2.12",
}  # fmt: skip


# --- DER ---


def tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    out = bytearray()
    for value in (first * 40 + second, *rest):
        pieces = [value & 0x7F]
        while value := value >> 7:
            pieces.append(value & 0x7F | 0x80)
        out += bytes(reversed(pieces))
    return tlv(6, bytes(out))


def integer(value: int) -> bytes:
    return tlv(2, value.to_bytes((value.bit_length() + 8) // 8, "big", signed=True))


def sequence(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    return tlv(0x31, *sorted(parts))


def generalized(time: datetime) -> bytes:
    return tlv(0x18, time.strftime("%Y%m%d%H%M%SZ").encode())


def algorithm(dotted: str, parameters: bytes = b"") -> bytes:
    return sequence(oid(dotted), parameters)


def digest(name: str, data: bytes) -> bytes:
    return hashlib.shake_256(data).digest(64) if name == "shake256" else hashlib.new(name, data).digest()


# --- X.509 ---


@cache
def key(kind: str, index: int = 0) -> Any:
    """One key of each kind and index for the whole run: RSA keys take long to make."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    if kind == "dsa":
        return dsa.generate_private_key(2048)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "ed448":
        return ed448.Ed448PrivateKey.generate()
    curves = {
        "p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1, "k256": ec.SECP256K1,
        "bp256": ec.BrainpoolP256R1, "bp384": ec.BrainpoolP384R1, "bp512": ec.BrainpoolP512R1,
    }  # fmt: skip
    return ec.generate_private_key(curves[kind]())


_serials = itertools.count(1000)


@dataclass
class Identity:
    """A key with its X.509 certificate and the issuers above it, nearest first."""

    key: Any
    certificate: x509.Certificate
    issuers: tuple[Identity, ...] = ()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def chain(self) -> list[bytes]:
        return [self.der, *(issuer.der for issuer in self.issuers)]

    @property
    def name(self) -> bytes:
        return self.certificate.issuer.public_bytes()


def issue(
    name: str,
    issuer: Identity | None = None,
    *,
    kind: str = "p256",
    index: int | None = None,
    ca: bool = False,
    path_length: int | None = None,
    not_before: datetime = NOW - YEAR,
    not_after: datetime = NOW + 2 * YEAR,
    usage: str | None = "document",
    extended: Sequence[str] = (),
    policies: Sequence[str] = (),
    crl_url: str | None = None,
    ocsp_url: str | None = None,
    extra: Sequence[tuple[x509.ExtensionType, bool]] = (),
    hash_algorithm: str = "sha256",
    serial: int | None = None,
    basic_constraints: bool = True,
) -> Identity:
    """An X.509 certificate by `issuer`, self-signed without one. `usage`: `document`, `ca`, `none` or None for no extension."""
    subject_key = key(kind, next(_serials) if index is None and kind in ("p256", "ed25519") else index or 0)
    signing = issuer.key if issuer else subject_key
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Sample")]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(subject_key.public_key())
        .serial_number(serial if serial is not None else next(_serials))
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(subject_key.public_key()), False)
    )
    if issuer:
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), False
        )
    if basic_constraints:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length if ca else None), True)
    if usage is not None:
        flags = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False,
        )  # fmt: skip
        if ca or usage == "ca":
            flags["key_cert_sign"] = flags["crl_sign"] = True
        elif usage == "document":
            flags["digital_signature"] = flags["content_commitment"] = True
        else:
            flags["key_encipherment"] = True
        builder = builder.add_extension(x509.KeyUsage(**flags), True)
    if extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(o) for o in extended]), True)
    if policies:
        infos = [x509.PolicyInformation(x509.ObjectIdentifier(p), None) for p in policies]
        builder = builder.add_extension(x509.CertificatePolicies(infos), False)
    if crl_url:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl_url)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), False)
    if ocsp_url:
        access = x509.AccessDescription(
            x509.oid.AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp_url)
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), False)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical)
    chosen = None if isinstance(signing, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) else HASHES[hash_algorithm]
    certificate = builder.sign(signing, chosen)
    return Identity(subject_key, certificate, (issuer, *issuer.issuers) if issuer else ())


def crl(
    issuer: Identity,
    revoked: Sequence[tuple[Identity, datetime, x509.ReasonFlags | None]] = (),
    *,
    this_update: datetime = NOW,
    next_update: datetime = NOW + timedelta(days=7),
    expired_since: datetime | None = None,
    extra: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(this_update)
        .next_update(next_update)
    )
    for identity, time, reason in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(identity.certificate.serial_number).revocation_date(time)
        if reason:
            entry = entry.add_extension(x509.CRLReason(reason), False)
        builder = builder.add_revoked_certificate(entry.build())
    if expired_since:
        value = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.60"), generalized(expired_since))
        builder = builder.add_extension(value, False)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def key_bits(of: Identity) -> bytes:
    """The public key without its algorithm."""
    spki = of.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return keys.PublicKeyInfo.load(spki)["public_key"].contents[1:]


def cert_id(of: Identity, issuer: Identity, name: str = "sha1") -> bytes:
    """RFC 6960, 4.1.1."""
    return sequence(
        algorithm(DIGEST_OIDS[name], b"\x05\x00"),
        tlv(4, digest(name, issuer.certificate.subject.public_bytes())),
        tlv(4, digest(name, key_bits(issuer))),
        integer(of.certificate.serial_number),
    )


def ocsp_response(
    signer: Identity, *singles: bytes, produced: datetime, certificates: Sequence[Identity] = ()
) -> bytes:
    """A response by key hash, whatever it holds."""
    body = sequence(tlv(0xA2, tlv(4, digest("sha1", key_bits(signer)))), generalized(produced), sequence(*singles))
    signature_algorithm, value = sign_value(signer.key, body, How())
    brought = tlv(0xA0, sequence(*(identity.der for identity in certificates)))
    basic = sequence(body, signature_algorithm, tlv(3, b"\x00", value), brought if certificates else b"")
    return sequence(tlv(10, b"\x00"), tlv(0xA0, sequence(oid("1.3.6.1.5.5.7.48.1.1"), tlv(4, basic))))


def ocsp(
    of: Identity,
    issuer: Identity,
    responder: Identity | None = None,
    *,
    this_update: datetime = NOW,
    next_update: datetime | None = NOW + timedelta(days=7),
    produced: datetime | None = None,
    revoked_at: datetime | None = None,
    reason: x509.ReasonFlags | None = None,
) -> bytes:
    status = tlv(0x80)
    if revoked_at is not None:
        code = {
            x509.ReasonFlags.key_compromise: 1,
            x509.ReasonFlags.superseded: 4,
            x509.ReasonFlags.certificate_hold: 6,
        }
        number = code[reason] if reason else None
        status = tlv(0xA1, generalized(revoked_at), tlv(0xA0, tlv(10, bytes((number,)))) if number else b"")
    until = tlv(0xA0, generalized(next_update)) if next_update else b""
    single = sequence(cert_id(of, issuer), status, generalized(this_update), until)
    brought = [responder] if responder is not None and responder is not issuer else []
    return ocsp_response(responder or issuer, single, produced=produced or this_update, certificates=brought)


# --- CMS ---


@dataclass(frozen=True)
class How:
    """How to sign. `scheme`: `default` for the key's usual one, `pss`, `plain` (BSI TR-03111), `bare-ec` (id-ecPublicKey)."""

    digest: str = "sha256"
    scheme: str = "default"
    signature_digest: str | None = None
    """When it is to differ from `digest`."""
    signed_attributes: bool = True
    message_digest: bool = True
    content_type: str | None = DATA
    order: str = "der"
    """`der` or `written`."""
    ess: str | None = "v2"
    """`v1`, `v2`, `wrong`, the name of a digest for version 2, or None."""
    signing_time: datetime | None = None
    certificates: Sequence[bytes] | None = None
    """Instead of the signer's chain."""
    crls: Sequence[bytes] = ()
    content: bytes | None = None
    """Encapsulated."""
    content_oid: str = DATA
    digest_oid: str | None = None
    break_value: bool = False
    null: bool = True
    """NULL parameters in RSA's DigestInfo."""
    extra_unsigned: Sequence[tuple[str, bytes]] = ()
    extra_signed: Sequence[tuple[str, bytes]] = ()


_RSA = {"md5": 4, "sha1": 5, "sha224": 14, "sha256": 11, "sha384": 12, "sha512": 13}
_EC_SHA1 = "1.2.840.10045.4.1"
_EC = {"sha224": 1, "sha256": 2, "sha384": 3, "sha512": 4}
_PLAIN = {"sha1": 1, "sha224": 2, "sha256": 3, "sha384": 4, "sha512": 5}
_SHA3 = {"sha3_256": 1, "sha3_384": 2, "sha3_512": 3}


def sign_value(private: Any, message: bytes, how: How) -> tuple[bytes, bytes]:
    """(signature algorithm, signature value)."""
    name = how.signature_digest or how.digest
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return algorithm("1.3.101.112"), private.sign(message)
    if isinstance(private, ed448.Ed448PrivateKey):
        return algorithm("1.3.101.113"), private.sign(message)
    hashed = HASHES[name]
    if isinstance(private, rsa.RSAPrivateKey):
        if how.scheme == "pss":
            parameters = sequence(
                tlv(0xA0, algorithm(DIGEST_OIDS[name])),
                tlv(0xA1, algorithm("1.2.840.113549.1.1.8", algorithm(DIGEST_OIDS[name]))),
                tlv(0xA2, integer(hashed.digest_size)),
            )
            pss = padding.PSS(padding.MGF1(hashed), hashed.digest_size)
            return algorithm("1.2.840.113549.1.1.10", parameters), private.sign(message, pss, hashed)
        number = f"1.2.840.113549.1.1.{_RSA[name]}" if name in _RSA else f"2.16.840.1.101.3.4.3.{13 + _SHA3[name]}"
        return algorithm(number, b"\x05\x00"), _pkcs1(private, name, digest(name, message), null=how.null)
    if isinstance(private, dsa.DSAPrivateKey):
        return algorithm("2.16.840.1.101.3.4.3.2"), private.sign(message, hashed)
    value = private.sign(message, ec.ECDSA(hashed))
    if how.scheme == "plain":
        r, s = utils.decode_dss_signature(value)
        size = (private.curve.key_size + 7) // 8
        return algorithm(f"0.4.0.127.0.7.1.1.4.1.{_PLAIN[name]}"), r.to_bytes(size, "big") + s.to_bytes(size, "big")
    if how.scheme == "bare-ec":
        return algorithm("1.2.840.10045.2.1"), value
    if name == "sha1":
        return algorithm(_EC_SHA1), value
    number = f"1.2.840.10045.4.3.{_EC[name]}" if name in _EC else f"2.16.840.1.101.3.4.3.{9 + _SHA3[name]}"
    return algorithm(number), value


def _pkcs1(private: rsa.RSAPrivateKey, name: str, hashed: bytes, *, null: bool) -> bytes:
    """By hand: OpenSSL neither leaves the NULL out nor knows SHA-3 here."""
    info = sequence(algorithm(DIGEST_OIDS[name], b"\x05\x00" if null else b""), tlv(4, hashed))
    size = (private.key_size + 7) // 8
    encoded = b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
    numbers = private.private_numbers()
    return pow(int.from_bytes(encoded, "big"), numbers.d, numbers.public_numbers.n).to_bytes(size, "big")


def attribute(dotted: str, *values: bytes) -> bytes:
    return sequence(oid(dotted), set_of(*values))


def signer_info(
    identity: Identity, content_digest: bytes, content: bytes, how: How, stamp: Callable[[bytes], bytes] | None = None
) -> bytes:
    attributes: list[bytes] = []
    if how.content_type:
        attributes.append(attribute("1.2.840.113549.1.9.3", oid(how.content_type)))
    if how.message_digest:
        attributes.append(attribute("1.2.840.113549.1.9.4", tlv(4, content_digest)))
    if how.signing_time:
        attributes.append(
            attribute("1.2.840.113549.1.9.5", tlv(0x17, how.signing_time.strftime("%y%m%d%H%M%SZ").encode()))
        )
    if how.ess == "v1":
        reference = sequence(tlv(4, hashlib.sha1(identity.der).digest()))
        attributes.append(attribute("1.2.840.113549.1.9.16.2.12", sequence(sequence(reference))))
    elif how.ess in DIGEST_OIDS:
        hashed = b"\x07" * 16 if how.ess == "md2" else digest(how.ess, identity.der)
        reference = sequence(algorithm(DIGEST_OIDS[how.ess]), tlv(4, hashed))
        attributes.append(attribute("1.2.840.113549.1.9.16.2.47", sequence(sequence(reference))))
    elif how.ess:
        hashed = hashlib.sha256(identity.der if how.ess == "v2" else b"another").digest()
        attributes.append(attribute("1.2.840.113549.1.9.16.2.47", sequence(sequence(sequence(tlv(4, hashed))))))
    attributes += [attribute(kind, value) for kind, value in how.extra_signed]
    attributes = sorted(attributes) if how.order == "der" else sorted(attributes, reverse=True)
    signed = b"".join(attributes)
    message = tlv(0x31, signed) if how.signed_attributes else content
    identifier, value = sign_value(identity.key, message, how)
    if how.break_value:
        value = value[:-1] + bytes((value[-1] ^ 1,))
    unsigned = [attribute(kind, entry) for kind, entry in how.extra_unsigned]
    if stamp:
        unsigned.append(attribute("1.2.840.113549.1.9.16.2.14", stamp(value)))
    return sequence(
        integer(1),
        sequence(identity.name, integer(identity.certificate.serial_number)),
        algorithm(how.digest_oid or DIGEST_OIDS[how.digest], b"\x05\x00"),
        tlv(0xA0, signed) if how.signed_attributes else b"",
        identifier,
        tlv(4, value),
        tlv(0xA1, *sorted(unsigned)) if unsigned else b"",
    )


def signed_data(
    signers: Sequence[bytes], how: How, certificates: Sequence[bytes], digests: Sequence[str] = ("sha256",)
) -> bytes:
    encapsulated = sequence(oid(how.content_oid), tlv(0xA0, tlv(4, how.content)) if how.content is not None else b"")
    body = sequence(
        integer(1),
        set_of(*(algorithm(DIGEST_OIDS[name]) for name in digests)),
        encapsulated,
        tlv(0xA0, *certificates) if certificates else b"",
        tlv(0xA1, *how.crls) if how.crls else b"",
        tlv(0x31, *signers),
    )
    return sequence(oid("1.2.840.113549.1.7.2"), tlv(0xA0, body))


def cms(
    identity: Identity, content: bytes, how: How | None = None, stamp: Callable[[bytes], bytes] | None = None
) -> bytes:
    """A detached signature over `content`, time-stamped by `stamp` (signature value in, token out)."""
    how = how or How()
    info = signer_info(
        identity, digest(how.digest, how.content if how.content is not None else content), content, how, stamp
    )
    certificates = identity.chain if how.certificates is None else how.certificates
    return signed_data([info], how, certificates, [how.digest])


def token(
    authority: Identity, stamped: bytes, time: datetime, *, imprint: str = "sha256", how: How | None = None
) -> bytes:
    """A TimeStampToken (RFC 3161) over `stamped`."""
    info = sequence(
        integer(1),
        oid("1.3.6.1.4.1.99999.1"),
        sequence(algorithm(DIGEST_OIDS[imprint]), tlv(4, digest(imprint, stamped))),
        integer(next(_serials)),
        generalized(time),
    )
    how = how or How()
    how = How(**{**how.__dict__, "content": info, "content_oid": TST_INFO, "content_type": TST_INFO})
    return cms(authority, info, how)


def time_stamping(name: str, issuer: Identity, **more: Any) -> Identity:
    return issue(name, issuer, extended=[ExtendedKeyUsageOID.TIME_STAMPING.dotted_string], **more)


# --- PDF ---


@dataclass
class Pdf:
    """A PDF that grows by incremental updates with classic cross-reference tables."""

    data: bytes
    size: int
    """Object numbers in use."""
    start: int
    """Where the newest cross-reference section is."""
    catalog: str = ""
    """More entries of the catalog."""
    fields: list[int] = field(default_factory=list)

    @classmethod
    def new(cls, text: str = "A sample contract", *, information: str = "") -> Pdf:
        content = zlib.compress(f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode())
        objects = [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
            b"<</Length %d/Filter/FlateDecode>>\nstream\n" % len(content) + content + b"\nendstream",
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            b"<<" + information.encode() + b">>",
        ]
        pdf = cls(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", 0, 0)
        pdf.append(dict(enumerate(objects, 1)), first=True)
        return pdf

    def append(self, objects: dict[int, bytes], *, first: bool = False) -> None:
        """One update with these objects by number."""
        out = bytearray(self.data)
        offsets = {}
        for number, body in objects.items():
            offsets[number] = len(out)
            out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
        self.size = max(self.size, *objects)
        start = len(out)
        out += b"xref\n"
        if first:
            out += b"0 1\n0000000000 65535 f \n"
        for number, offset in sorted(offsets.items()):
            out += b"%d 1\n%010d 00000 n \n" % (number, offset)
        previous = b"" if first else b"/Prev %d" % self.start
        out += b"trailer\n<</Size %d/Root 1 0 R/Info 6 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (
            self.size + 1,
            previous,
            start,
        )
        self.data, self.start = bytes(out), start

    def sign(
        self,
        make: Callable[[bytes], bytes],
        *,
        name: str | None = None,
        sub_filter: str | None = "ETSI.CAdES.detached",
        kind: str = "Sig",
        time: datetime | None = NOW,
        entries: str = "",
        room: int = 16_000,
        objects: dict[int, bytes] | None = None,
    ) -> None:
        """One update with an invisible signature field; `make` gets the covered bytes and gives /Contents."""
        widget, value = self.size + 1, self.size + 2
        self.fields.append(widget)
        parts = [
            f"/Type/{kind}/Filter/Adobe.PPKLite",
            f"/SubFilter/{sub_filter}" if sub_filter else "",
            time.strftime("/M(D:%Y%m%d%H%M%S+00'00')") if time else "",
            entries,
        ]
        dictionary = f"<<{''.join(parts)}/ByteRange[0 **********]/Contents<{'0' * 2 * room}>>>".encode()
        listed = " ".join(f"{number} 0 R" for number in self.fields)
        form = f"/AcroForm<</SigFlags 3/Fields[{listed}]>>"
        title = name or f"Signature{len(self.fields)}"
        page = f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>/Annots[{listed}]>>"
        range_space = b" " * 40
        dictionary = dictionary.replace(b"[0 **********]", b"[" + range_space + b"]")
        self.append(
            {
                1: f"<</Type/Catalog/Pages 2 0 R{form}{self.catalog}>>".encode(),
                3: page.encode(),
                **(objects or {}),
                widget: f"<</Type/Annot/Subtype/Widget/FT/Sig/T({title})/V {value} 0 R/F 132/Rect[0 0 0 0]/P 3 0 R>>".encode(),
                value: dictionary,
            }
        )
        begin = self.data.rindex(b"/Contents<") + len(b"/Contents")
        end = begin + 2 * room + 2
        numbers = b"0 %d %d %d" % (begin, end, len(self.data) - end)
        at = self.data.rindex(b"[" + range_space + b"]") + 1
        data = self.data[:at] + numbers.ljust(40) + self.data[at + 40 :]
        contents = make(data[:begin] + data[end:])
        self.data = data[: begin + 1] + contents.hex().encode().ljust(2 * room, b"0") + data[begin + 1 + 2 * room :]

    def add_store(
        self, certificates: Sequence[bytes] = (), crls: Sequence[bytes] = (), ocsps: Sequence[bytes] = ()
    ) -> None:
        """One update with a document security store."""
        number = self.size + 1
        objects: dict[int, bytes] = {}
        lists = []
        for label, bodies in (("Certs", certificates), ("CRLs", crls), ("OCSPs", ocsps)):
            references = []
            for body in bodies:
                objects[number] = b"<</Length %d>>\nstream\n" % len(body) + body + b"\nendstream"
                references.append(f"{number} 0 R")
                number += 1
            if references:
                lists.append(f"/{label}[{' '.join(references)}]")
        objects[number] = f"<</Type/DSS{''.join(lists)}>>".encode()
        self.catalog = f"/DSS {number} 0 R"
        listed = " ".join(f"{entry} 0 R" for entry in self.fields)
        form = f"/AcroForm<</SigFlags 3/Fields[{listed}]>>" if self.fields else ""
        objects[1] = f"<</Type/Catalog/Pages 2 0 R{form}{self.catalog}>>".encode()
        self.append(objects)

    def time_stamp(self, authority: Identity, time: datetime, **more: Any) -> None:
        """One update with a document time-stamp."""
        self.sign(
            lambda covered: token(authority, covered, time),
            sub_filter="ETSI.RFC3161",
            kind="DocTimeStamp",
            time=None,
            **more,
        )


def signed(
    identity: Identity, how: How | None = None, *, stamp: Callable[[bytes], bytes] | None = None, **more: Any
) -> bytes:
    """A one-page PDF with one signature."""
    pdf = Pdf.new()
    pdf.sign(lambda covered: cms(identity, covered, how, stamp), **more)
    return pdf.data


def store(*anchors: bytes, seals: Iterable[bytes] = (), keys: Iterable[bytes] = ()) -> TrustStore:
    """X.509 certificates and raw public keys that nobody said a house of."""
    parts = [Part(None, content) for content in (*anchors, *keys)] + [Part("seal", content) for content in seals]
    return TrustStore(loose=House("", "", tuple(parts)))


def pem(*certificates: bytes) -> bytes:
    return b"".join(x509.load_der_x509_certificate(body).public_bytes(Encoding.PEM) for body in certificates)


def public_pem(private: Any) -> bytes:
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
