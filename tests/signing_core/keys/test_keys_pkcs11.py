"""Keys on a SoftHSM 2 token, a real PKCS#11 library."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from signing_core.errors import KeyUnavailable, UsageError
from signing_core.keys import files, pkcs11_token, register
from signing_core.keys.ca import Revoked
from signing_core.keys.interface import SigningKey, StatementKey
from signing_core.keys.pkcs11_token import TokenSigner
from signing_core.keys.ring import KeyRing
from signing_core.keys.settings import TokenSettings

PIN = "sample-pin"


@pytest.fixture(autouse=True)
def pin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALTRAIL_TOKEN_PIN", PIN)


@pytest.fixture(autouse=True)
def no_pin_was_refused_before() -> None:
    pkcs11_token._refused_pins.clear()


def _on(token: SimpleNamespace, key: str, **changes: Any) -> TokenSettings:
    return TokenSettings(**{"module": token.module, "token_label": "sealtrail", "key_label": key} | changes)


def _verify(certificate: x509.Certificate, signature: bytes, data: bytes) -> None:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
    else:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(signature, data, ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(("label", "mechanism"), [("p256", "ecdsa-sha256"), ("rsa", "rsa-pkcs1v15-sha256")])
@pytest.mark.parametrize("purpose", ["first-party", "seal"])
def test_a_token_key_serves_in_place_of_a_file(
    token: SimpleNamespace, reopen: Callable[..., KeyRing], folder: Path, label: str, mechanism: str, purpose: str
) -> None:
    (folder / f"{purpose}.p12").unlink()
    ring = reopen(tokens={purpose: _on(token, label)})
    ring.certify_token(purpose)  # type: ignore[arg-type]
    for opened in (ring, reopen(tokens={purpose: _on(token, label)})):
        key = opened._signing(purpose)  # type: ignore[arg-type]
        assert isinstance(key, SigningKey)
        assert key.mechanism == mechanism
        for data in (b"", b"data", b"x" * 100_000):
            _verify(key.certificate, key.sign(data), data)
        assert list(key.chain) == [ring.ca.certificate]
        assert key.certificate in x509.load_pem_x509_certificates((folder / "public" / f"{purpose}.pem").read_bytes())
        assert PIN not in repr(key)


@pytest.mark.parametrize("label", ["p256", "rsa"])
def test_a_token_signs_time_stamps_that_openssl_verifies(
    token: SimpleNamespace, reopen: Callable[..., KeyRing], tmp_path: Path, label: str
) -> None:
    ring = reopen(tokens={"time-stamp": _on(token, label)})
    ring.certify_token("time-stamp")
    imprint = hashlib.sha256(b"data").digest()
    (tmp_path / "token").write_bytes(ring.time_stamp_authority.time_stamp(imprint))
    done = subprocess.run(
        ["openssl", "ts", "-verify", "-token_in", "-in", tmp_path / "token", "-digest", imprint.hex(),
         "-CAfile", ring.public_folder / "anchors.pem", "-attime", str(int(ring._clock().timestamp()) + 1)],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("label", ["ca", "rsa"])
def test_a_company_ca_on_a_token_issues_certificates_and_crls(
    token: SimpleNamespace, reopen: Callable[..., KeyRing], tmp_path: Path, label: str
) -> None:
    former = reopen().ca
    tokens = {"ca": _on(token, label)}
    ring = reopen(tokens=tokens)
    ring.certify_token("ca")
    ring = reopen(tokens=tokens)
    assert ring.ca.name != former.name
    assert ring.trust_anchors == [ring.ca.certificate, former.certificate]
    for purpose in ("first-party", "seal", "time-stamp"):
        ring.renew(purpose)  # type: ignore[arg-type]
    now = ring._clock()
    client = ring.ca.issue_one_time("Sample Client", "abc", now=now).certificate
    crl = x509.load_der_x509_crl(ring.ca.crl(now, 1, [Revoked(7, now, "superseded")]))
    assert crl.is_signature_valid(ring.ca.certificate.public_key())
    (tmp_path / "crl.pem").write_bytes(crl.public_bytes(Encoding.PEM))
    for certificate in (ring.ca.certificate, ring.first_party.certificate, ring.seal.certificate, client):
        (tmp_path / "one.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        (tmp_path / "root.pem").write_bytes(ring.ca.certificate.public_bytes(Encoding.PEM))
        done = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-crl_check", "-CRLfile", tmp_path / "crl.pem",
             "-attime", str(int(now.timestamp()) + 1), "-CAfile", tmp_path / "root.pem", tmp_path / "one.pem"],
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("purpose", ["qr", "checkpoint"])
def test_ed25519_on_a_token(token: SimpleNamespace, reopen: Callable[..., KeyRing], purpose: str) -> None:
    ring = reopen(tokens={purpose: _on(token, "ed25519")})
    key = getattr(ring, purpose)
    assert isinstance(key, StatementKey)
    key.public_key.verify(key.sign(b"statement"), b"statement")
    assert key.key_id.hex() in (ring.public_folder / f"{purpose}.pem").read_text()


def test_a_key_of_the_wrong_kind_is_refused(token: SimpleNamespace, reopen: Callable[..., KeyRing]) -> None:
    with pytest.raises(KeyUnavailable, match="no Ed25519 key"):
        _ = reopen(tokens={"qr": _on(token, "p256")}).qr
    with pytest.raises(KeyUnavailable, match="Ed25519 key; a P-256 or RSA key is needed"):
        reopen(tokens={"seal": _on(token, "ed25519")}).certify_token("seal")


def test_a_bought_x509_certificate_for_a_token_key(
    token: SimpleNamespace, reopen: Callable[..., KeyRing], tmp_path: Path, trust_service: Any
) -> None:
    public_key = TokenSigner(_on(token, "rsa")).public_key
    certificate = trust_service._issue("Sample GmbH Seal", public_key, trust_service.issuing)
    chain = (certificate, trust_service.root, trust_service.issuing)
    (tmp_path / "seal.pem").write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in chain))
    ring = reopen(tokens={"seal": _on(token, "rsa", certificate_file=tmp_path / "seal.pem")})
    assert ring.seal.certificate == certificate
    assert list(ring.seal.chain) == [trust_service.issuing, trust_service.root]
    _verify(certificate, ring.seal.sign(b"data"), b"data")


def test_without_an_x509_certificate_the_ways_on_are_named(
    token: SimpleNamespace, reopen: Callable[..., KeyRing], tmp_path: Path
) -> None:
    with pytest.raises(KeyUnavailable, match="have the company CA certify"):
        _ = reopen(tokens={"seal": _on(token, "p256")}).seal
    (tmp_path / "junk.pem").write_bytes(b"junk")
    with pytest.raises(KeyUnavailable, match=r"junk\.pem"):
        _ = reopen(tokens={"seal": _on(token, "p256", certificate_file=tmp_path / "junk.pem")}).seal


def test_a_wrong_pin_is_tried_once_so_that_the_token_does_not_lock(
    token: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pkcs11_token._sessions.clear()
    settings = _on(token, "p256", token_label="other")
    monkeypatch.setenv("SEALTRAIL_TOKEN_PIN", "wrong-pin")
    opened = []
    real = pkcs11_token._library

    def counting() -> Any:
        library = real()
        return SimpleNamespace(**{n: getattr(library, n) for n in dir(library) if n[0] != "_"}
                               | {"lib": lambda so: opened.append(so) or library.lib(so)})  # fmt: skip

    monkeypatch.setattr(pkcs11_token, "_library", counting)
    for _ in range(20):
        with pytest.raises(KeyUnavailable, match="does not accept the PIN") as caught:
            TokenSigner(settings)
        assert "wrong-pin" not in str(caught.value)
    assert len(opened) == 1
    monkeypatch.setenv("SEALTRAIL_TOKEN_PIN", PIN)
    with pytest.raises(KeyUnavailable, match="no key pair named p256"):  # logged in, and empty
        TokenSigner(settings)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"module": Path("/nowhere/lib.so")}, "cannot be loaded"),
        ({"token_label": "absent"}, "no token, or more than one, named absent"),
        ({"key_label": "absent"}, "no key pair named absent"),
        ({"key_label": "twice"}, "several keys named twice"),
        ({"pin_variable": "SEALTRAIL_NO_SUCH_PIN"}, "set SEALTRAIL_NO_SUCH_PIN"),
        ({"pin_file": Path("/nowhere/pin")}, "/nowhere/pin"),
    ],
)
def test_what_is_missing_is_said(token: SimpleNamespace, changes: dict[str, Any], reason: str) -> None:
    pkcs11_token._sessions.clear()
    with pytest.raises(KeyUnavailable, match=reason):
        TokenSigner(_on(token, "p256", **changes))


def test_the_pin_may_come_from_a_file(token: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pkcs11_token._sessions.clear()
    monkeypatch.delenv("SEALTRAIL_TOKEN_PIN")
    files.write_atomically(tmp_path / "pin", PIN.encode() + b"\n")
    assert TokenSigner(_on(token, "p256", pin_file=tmp_path / "pin")).sign(b"data")


def test_without_the_extra_the_way_on_is_named(token: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(KeyUnavailable, match=r"sealtrail\[pkcs11\]"):
        TokenSigner(_on(token, "p256"))


def test_a_session_that_broke_is_opened_again(token: SimpleNamespace) -> None:
    signer = TokenSigner(_on(token, "p256"))
    assert signer.sign(b"data")
    for session in pkcs11_token._sessions.values():
        session.close()
    assert signer.sign(b"data")


def test_threads_take_turns(token: SimpleNamespace, reopen: Callable[..., KeyRing]) -> None:
    ring = reopen(tokens={"seal": _on(token, "p256")})
    ring.certify_token("seal")
    key, failures = ring.seal, list[BaseException]()

    def sign(number: int) -> None:
        try:
            for turn in range(20):
                data = f"{number}/{turn}".encode()
                _verify(key.certificate, key.sign(data), data)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=sign, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_what_tokens_cannot_do_is_refused(token: SimpleNamespace, reopen: Callable[..., KeyRing]) -> None:
    ring = reopen(tokens={"seal": _on(token, "p256")})
    ring.certify_token("seal")
    with pytest.raises(UsageError, match="certify_token"):
        ring.renew("seal")
    with pytest.raises(UsageError, match="out of the settings"):
        ring.import_key("seal", b"", "")
    with pytest.raises(KeyUnavailable, match="does not leave it"):
        ring.export_key("seal", "exported passphrase")
    with pytest.raises(UsageError, match="No token is set"):
        ring.certify_token("first-party")


def test_certificates_for_tokens_are_recorded_like_others(
    token: SimpleNamespace, reopen: Callable[..., KeyRing]
) -> None:
    ring = reopen(tokens={"seal": _on(token, "p256")})
    ring.certify_token("seal")
    serials = {register.serial_text(certificate) for _, purpose, certificate in ring.issued() if purpose == "seal"}
    assert register.serial_text(ring.seal.certificate) in serials


def test_importing_the_ring_does_not_import_pkcs11() -> None:
    code = "import signing_core.keys.ring, sys; sys.exit('pkcs11' in sys.modules or 'httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=600, check=False).returncode == 0
