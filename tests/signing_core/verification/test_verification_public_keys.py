"""Keys with which anybody could sign: loaded by libraries, refused here with the reason, in signatures and in chains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import signed_samples as made
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from signed_samples import How, Pdf

from signing_core.pki import der
from signing_core.verdict import DocumentVerdict, Indication, Integrity, SubIndication
from signing_core.verification.public_keys import RefusedKey, public_key

Judge = Callable[..., DocumentVerdict]

ED25519, ED448 = "1.3.101.112", "1.3.101.113"
P25519, P448 = 2**255 - 19, 2**448 - 2**224 - 1
ORDER_EIGHT = int.from_bytes(
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"
)
SMALL = {
    **{f"ed25519 y={name}": (ED25519, 32, y) for name, y in {
        "0": 0, "1": 1, "-1": P25519 - 1, "p": P25519, "p+1": P25519 + 1, "8": ORDER_EIGHT, "-8": P25519 - ORDER_EIGHT,
    }.items()},
    **{f"ed448 y={name}": (ED448, 57, y) for name, y in {"0": 0, "1": 1, "-1": P448 - 1, "p": P448, "p+1": P448 + 1}.items()},
}  # fmt: skip
"""Every y of a point whose order divides the cofactor (RFC 8032, 5.1 and 5.2), as it is written and once more above p."""


def edwards(kind: str, size: int, y: int, sign: bool = False) -> bytes:
    raw = bytearray(y.to_bytes(size, "little"))
    raw[-1] |= 0x80 if sign else 0
    return made.sequence(made.algorithm(kind), made.tlv(3, b"\0", bytes(raw)))


def rsa(modulus: int, exponent: int) -> bytes:
    numbers = made.sequence(made.integer(modulus), made.integer(exponent))
    return made.sequence(made.algorithm("1.2.840.113549.1.1.1", b"\x05\0"), made.tlv(3, b"\0", numbers))


def dsa(*, q: int | None = None, g: int | None = None, y: int | None = None) -> bytes:
    good = made.key("dsa").public_key().public_numbers()
    numbers = good.parameter_numbers
    domain = (numbers.p, q or numbers.q, numbers.g if g is None else g)
    parameters = made.sequence(*(made.integer(number) for number in domain))
    value = made.integer(good.y if y is None else y)
    return made.sequence(made.algorithm("1.2.840.10040.4.1", parameters), made.tlv(3, b"\0", value))


def dsa_prime() -> int:
    return int(made.key("dsa").public_key().public_numbers().parameter_numbers.p)


def ec_point(curve: str, point: bytes) -> bytes:
    return made.sequence(made.algorithm("1.2.840.10045.2.1", made.oid(curve)), made.tlv(3, b"\0", point))


MODULUS = made.key("rsa2048").public_key().public_numbers().n
REFUSED: dict[str, tuple[bytes, str]] = {
    **{name: (edwards(*parts), "small order") for name, parts in SMALL.items()},
    **{f"{name}, x negative": (edwards(*parts, sign=True), "small order") for name, parts in SMALL.items()},
    "ed25519 off the curve": (edwards(ED25519, 32, 2), "no point of the curve"),
    "rsa e=1": (rsa(MODULUS, 1), "the exponent 1"),
    "rsa e=2": (rsa(MODULUS, 2), "the exponent 2"),
    "rsa e even": (rsa(MODULUS, 65536), "the exponent 65536"),
    "rsa n even": (rsa(MODULUS - 1, 65537), "small factor"),
    "rsa n divisible by 3": (rsa(MODULUS - MODULUS % 3, 65537), "small factor"),
    "rsa 15": (rsa(15, 3), "of 4 bits"),
    "rsa 512 bits": (rsa((1 << 511) + 187, 65537), "of 512 bits"),
    "ec infinity": (ec_point("1.2.840.10045.3.1.7", b"\0"), "infinity"),
    "dsa y=1": (dsa(y=1), "not of the order"),
    "dsa y=0": (dsa(y=0), "not of the order"),
    "dsa y=-1": (dsa(y=dsa_prime() - 1), "not of the order"),
    "dsa y outside of the group": (dsa(y=3), "not of the order"),
    "dsa g=1": (dsa(g=1), "not of the order"),
    "dsa q=3": (dsa(q=3), "an order of 2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_key_with_which_anybody_could_sign_is_refused(name: str) -> None:
    spki, why = REFUSED[name]
    with pytest.raises(RefusedKey, match=why):
        public_key(spki)


@pytest.mark.parametrize("kind", ["ed25519", "ed448", "dsa", "rsa1024", "rsa2048", "p256", "bp384"])
def test_good_keys_are_not_refused(kind: str) -> None:
    for index in range(8 if kind.startswith("ed") else 1):
        encoded = made.key(kind, 900 + index).public_key()
        public_key(encoded.public_bytes(made.Encoding.DER, made.PublicFormat.SubjectPublicKeyInfo))


def with_key(spki: bytes, issuer: made.Identity, *, ca: bool = False) -> made.Identity:
    """An X.509 certificate for this key, rightly signed by `issuer`."""
    like = made.issue("Small Order", issuer, ca=ca)
    body, algorithm, _ = der.children(der.read(like.der))
    fields = [node.encoded for node in der.children(body)]
    fields[6] = spki
    tbs = made.sequence(*fields)
    value = issuer.key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    encoded = made.sequence(tbs, algorithm.encoded, made.tlv(3, b"\0", value))
    return replace(like, certificate=x509.load_der_x509_certificate(encoded))


def one_signature_for_all(identity: made.Identity, covered: bytes) -> bytes:
    """Ed25519 with the neutral element as key: R is B and S is 1, whatever is signed."""
    base = bytes.fromhex("58" + "66" * 31)
    info = made.signer_info(
        replace(identity, key=made.key("ed25519")), made.digest("sha512", covered), covered, How(digest="sha512")
    )
    written = der.read(info)
    fields = [node.encoded for node in der.children(written)]
    fields[-1] = made.tlv(4, base + (1).to_bytes(32, "little"))
    return made.signed_data([made.sequence(*fields)], How(), identity.chain, ["sha512"])


def test_a_signature_that_fits_everything_is_not_intact(world, judge: Judge, codes) -> None:
    signer = with_key(edwards(ED25519, 32, 1), world.root)
    for text in ("A sample contract", "Another contract"):
        pdf = Pdf.new(text)
        pdf.sign(lambda covered: one_signature_for_all(signer, covered))
        verdict = judge(pdf.data)
        assert (verdict.integrity, verdict.indication, verdict.sub_indication) == (
            Integrity.INDETERMINATE, Indication.INDETERMINATE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
        )  # fmt: skip
        assert "key-refused" in codes(verdict)


def test_a_plain_rsa_signature_with_the_exponent_one(world, judge: Judge, codes) -> None:
    signer = with_key(rsa(MODULUS, 1), world.root)

    def itself(covered: bytes) -> bytes:
        info = made.sequence(
            made.algorithm(made.DIGEST_OIDS["sha1"], b"\x05\0"), made.tlv(4, made.digest("sha1", covered))
        )
        return made.tlv(4, b"\x00\x01" + b"\xff" * (256 - len(info) - 3) + b"\x00" + info)

    pdf = Pdf.new()
    pdf.sign(itself, sub_filter="adbe.x509.rsa_sha1", entries=f"/Cert<{signer.der.hex()}>")
    verdict = judge(pdf.data)
    assert (verdict.integrity, "key-refused" in codes(verdict)) == (Integrity.INDETERMINATE, True)


def test_nobody_is_issued_by_such_a_key(world, judge: Judge) -> None:
    authority = with_key(edwards(ED25519, 32, 1), world.root, ca=True)
    like = made.issue("Sample Signer", made.issue("Small Order", world.root, ca=True, kind="ed25519"))
    body, algorithm, _ = der.children(der.read(like.der))
    forged = made.sequence(
        body.encoded,
        algorithm.encoded,
        made.tlv(3, b"\0" + bytes.fromhex("58" + "66" * 31) + (1).to_bytes(32, "little")),
    )
    signer = made.Identity(like.key, x509.load_der_x509_certificate(forged), (authority, world.root))
    verdict = judge(made.signed(signer))
    assert verdict.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND


def test_a_time_stamp_by_such_a_key_proves_nothing(world, judge: Judge) -> None:
    authority = with_key(edwards(ED25519, 32, 1), world.root)
    stamped = made.signed(world.signer, stamp=lambda value: made.token(authority_of(authority), value, made.NOW))
    verdict = judge(stamped)
    assert (verdict.signatures[0].proven_time, verdict.signatures[0].level) == (None, "B-B")


def authority_of(identity: made.Identity) -> made.Identity:
    return replace(identity, key=made.key("ed25519"))
