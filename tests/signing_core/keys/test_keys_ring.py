from __future__ import annotations

import json
import shutil
import stat
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12
from cryptography.x509.oid import NameOID

from signing_core.errors import KeyUnavailable, UsageError
from signing_core.keys import vault
from signing_core.keys.interface import SigningKey, StatementKey, TimeStampAuthority
from signing_core.keys.ring import KeyRing

PASSPHRASE, WORK = "correct horse battery", 10


def test_every_key_is_there_and_signs(ring: KeyRing, clock: Callable[[], object]) -> None:
    for key in (ring.first_party, ring.seal):
        assert isinstance(key, SigningKey)
        assert verifies(key.certificate, key.sign(b"data"), b"data")
        assert list(key.chain) == ring.trust_anchors
    for statement_key in (ring.qr, ring.checkpoint):
        assert isinstance(statement_key, StatementKey)
        statement_key.public_key.verify(statement_key.sign(b"data"), b"data")
        assert len(statement_key.key_id) == 8
    assert ring.qr.key_id != ring.checkpoint.key_id
    assert isinstance(ring.time_stamp_authority, TimeStampAuthority)
    assert ring.time_stamp_authority.embedded
    assert len(ring.server_key) == 32


def verifies(certificate: x509.Certificate, signature: bytes, data: bytes) -> bool:
    public_key = certificate.public_key()
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    public_key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    return True


def test_opening_again_gives_the_same_keys(folder: Path, ring: KeyRing, reopen: Callable[[], KeyRing]) -> None:
    again = reopen()
    assert again.server_key == ring.server_key
    assert again.qr.key_id == ring.qr.key_id
    assert again.seal.certificate == ring.seal.certificate
    assert again.ca.name == ring.ca.name


def test_two_rings_share_nothing(ring: KeyRing, tmp_path: Path, clock: Callable) -> None:  # type: ignore[type-arg]
    other = KeyRing.create(tmp_path / "other", PASSPHRASE, organisation="Sample GmbH", clock=clock, work=WORK)
    assert other.server_key != ring.server_key
    assert other.ca.name != ring.ca.name
    assert other.qr.key_id != ring.qr.key_id


def test_private_files_are_for_the_owner_only_and_hold_nothing_readable(folder: Path) -> None:
    private = [path for path in folder.iterdir() if path.is_file()]
    assert {path.name for path in private} == {
        "vault.json", "ring.json", "ca.p12", "first-party.p12", "seal.p12", "time-stamp.p12", "qr.p12", "checkpoint.p12",
    }  # fmt: skip
    for path in private:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        if path.suffix == ".p12":
            for password in (None, b"", PASSPHRASE.encode()):
                with pytest.raises((ValueError, TypeError)):
                    pkcs12.load_pkcs12(path.read_bytes(), password)


def test_the_pkcs12_files_are_encrypted_with_aes_256(folder: Path) -> None:
    password = vault.open_vault(folder, PASSPHRASE).file_password("seal").decode()
    shown = subprocess.run(
        ["openssl", "pkcs12", "-in", folder / "seal.p12", "-info", "-noout", "-passin", f"pass:{password}"],
        capture_output=True, text=True, check=True, timeout=600,
    ).stderr  # fmt: skip
    assert shown.count("PBES2, PBKDF2, AES-256-CBC") == 2  # key and certificates
    assert "MAC: sha256" in shown


def test_a_wrong_passphrase_is_said_in_one_sentence(folder: Path, clock: Callable) -> None:  # type: ignore[type-arg]
    with pytest.raises(KeyUnavailable, match="passphrase does not open") as caught:
        KeyRing.open(folder, "wrong passphrase", clock=clock)
    assert "wrong passphrase" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("name", ["vault.json", "ring.json", "ca.p12", "seal.p12", "qr.p12"])
def test_a_missing_file_is_named(folder: Path, reopen: Callable[[], KeyRing], name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(KeyUnavailable, match=name):
        reopen()


@pytest.mark.parametrize("name", ["vault.json", "ring.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"version": 2}', b"\xff\xfe"])
def test_a_damaged_description_is_named(folder: Path, reopen: Callable[[], KeyRing], name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(KeyUnavailable, match=name):
        reopen()


def test_a_key_of_another_purpose_in_its_place_is_refused(folder: Path, reopen: Callable[[], KeyRing]) -> None:
    (folder / "seal.p12").write_bytes((folder / "first-party.p12").read_bytes())
    with pytest.raises(KeyUnavailable, match=r"seal\.p12"):
        _ = reopen().seal


def test_a_cost_that_would_exhaust_memory_is_refused(folder: Path, reopen: Callable[[], KeyRing]) -> None:
    stored = json.loads((folder / "vault.json").read_text())
    (folder / "vault.json").write_text(json.dumps(stored | {"scrypt_log2_n": 40}))
    with pytest.raises(KeyUnavailable, match="damaged"):
        reopen()


def test_a_ring_is_never_made_over_another(folder: Path, clock: Callable) -> None:  # type: ignore[type-arg]
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(KeyUnavailable, match="not empty"):
        KeyRing.create(folder, PASSPHRASE, organisation="Other", clock=clock, work=WORK)
    assert before == {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_ring_whose_making_fails_leaves_nothing(
    tmp_path: Path,
    clock: Callable,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[type-arg]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise KeyUnavailable("no space left")

    monkeypatch.setattr("signing_core.keys.ring_folder.save_statement_key", full)
    with pytest.raises(KeyUnavailable, match="no space left"):
        KeyRing.create(tmp_path / "keys", PASSPHRASE, organisation="Sample GmbH", clock=clock, work=WORK)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"organisation": "\u202e \x00"}, UsageError),
        ({"organisation": "Sample", "country": "Germany"}, UsageError),
        ({"organisation": "Sample", "passphrase": "short"}, KeyUnavailable),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    tmp_path: Path,
    clock: Callable,
    options: dict[str, str],
    error: type[Exception],  # type: ignore[type-arg]
) -> None:
    passphrase = options.pop("passphrase", PASSPHRASE)
    with pytest.raises(error):
        KeyRing.create(tmp_path / "keys", passphrase, clock=clock, work=WORK, **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_new_passphrase_leaves_the_keys_as_they_are(folder: Path, ring: KeyRing, clock: Callable) -> None:  # type: ignore[type-arg]
    vault.change_passphrase(folder, PASSPHRASE, "another passphrase", work=WORK)
    with pytest.raises(KeyUnavailable):
        KeyRing.open(folder, PASSPHRASE, clock=clock)
    again = KeyRing.open(folder, "another passphrase", clock=clock)
    assert again.server_key == ring.server_key
    assert again.seal.certificate == ring.seal.certificate


def test_a_passphrase_in_other_code_points_is_the_same(tmp_path: Path, clock: Callable) -> None:  # type: ignore[type-arg]
    KeyRing.create(tmp_path / "keys", "Pässe für alle", organisation="Sample", clock=clock, work=WORK)
    KeyRing.open(tmp_path / "keys", "Pa\u0308sse fu\u0308r alle", clock=clock)


def test_long_company_names_fit(tmp_path: Path, clock: Callable) -> None:  # type: ignore[type-arg]
    organisation = "Sämtliche Musterwerke für Prüfungen und Beispiele aller Art Aktiengesellschaft & Co. KG"
    ring = KeyRing.create(tmp_path / "keys", PASSPHRASE, organisation=organisation, clock=clock, work=WORK)
    names = [
        certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        for certificate in (ring.ca.certificate, ring.seal.certificate, ring.time_stamp_authority.certificate)
    ]
    assert [str(name).rpartition("… ")[2] for name in names] == [
        "Sealtrail CA",
        "Seal",
        "Embedded Time-Stamp Authority",
    ]
    assert all(len(str(name).encode()) <= 64 for name in names)


@pytest.mark.parametrize("purpose", ["first-party", "seal", "time-stamp"])
def test_renewing_a_key_keeps_the_old_public_part(reopen: Callable[[], KeyRing], ring: KeyRing, purpose: str) -> None:
    before = ring._key(purpose).certificate  # type: ignore[arg-type]
    ring.renew(purpose)  # type: ignore[arg-type]
    for opened in (ring, reopen()):
        after = opened._key(purpose).certificate  # type: ignore[arg-type]
        assert after != before
        assert after.subject == before.subject
        kept = x509.load_pem_x509_certificates((opened.public_folder / f"{purpose}.pem").read_bytes())
        assert kept == [after, before]
    if purpose == "time-stamp":
        assert ring.time_stamp_authority.certificate != before


def test_renewing_the_first_party_may_change_the_name(ring: KeyRing) -> None:
    ring.renew("first-party", name="Max Beispiel")
    assert "CN=Max Beispiel" in ring.first_party.certificate.subject.rfc4514_string()


@pytest.mark.parametrize("purpose", ["qr", "checkpoint"])
def test_renewing_a_statement_key_keeps_the_old_public_key(ring: KeyRing, purpose: str) -> None:
    before = getattr(ring, purpose)
    ring.renew(purpose)  # type: ignore[arg-type]
    after = getattr(ring, purpose)
    text = (ring.public_folder / f"{purpose}.pem").read_text()
    assert after.key_id != before.key_id
    assert text.index(after.key_id.hex()) < text.index(before.key_id.hex())


def test_the_ca_is_not_renewed_but_succeeded(ring: KeyRing) -> None:
    with pytest.raises(UsageError, match="keys succeed ca"):
        ring.renew("ca")


@pytest.mark.parametrize("purpose", ["seal", "qr", "checkpoint", "bought"])
def test_a_renewal_cut_off_anywhere_is_finished_by_the_next_start(
    purpose: str,
    made_ring: Path,
    tmp_path: Path,
    clock: Any,
    trust_service: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Cut off before each change of a file: what the ring then has is in use and published, and nothing else is published."""
    from signing_core.keys import files

    name = cast("Any", "seal" if purpose == "bought" else purpose)
    steps, allowed = 0, 0

    def cut_off(real: Callable[..., None]) -> Callable[..., None]:
        def change(*arguments: Any, **options: Any) -> None:
            nonlocal steps
            steps += 1
            if steps > allowed:
                raise InterruptedError
            real(*arguments, **options)

        return change

    while True:
        folder = shutil.copytree(made_ring, tmp_path / f"ring-{allowed}")
        ring, steps = KeyRing.open(folder, PASSPHRASE, clock=clock), 0
        with monkeypatch.context() as patched:
            for change in ("write_atomically", "rename"):
                patched.setattr(files, change, cut_off(getattr(files, change)))
            try:
                ring.import_key("seal", trust_service.sell(), "bought") if purpose == "bought" else ring.renew(name)
                break
            except InterruptedError:
                pass
        again = KeyRing.open(folder, PASSPHRASE, clock=clock)
        published = list(again.used_from(name))
        assert len(published) == (1 if allowed == 0 else 2), "begun is finished, and what was not begun never was"
        assert again.is_published(name)
        (newest, *_) = published
        used = again.certificate(name) if name == "seal" else getattr(again, name).public_key
        encoded = used.public_bytes(
            *((Encoding.DER,) if name == "seal" else (Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
        )
        assert encoded == newest
        assert not list(folder.glob("*-next.p12"))
        again.renew(name, in_place_of_bought=True)
        allowed += 1
    assert allowed == (4 if purpose == "bought" else 3)  # kept, published (a bought one with its root), in use


def test_a_change_that_another_process_is_at_is_left_to_it(reopen: Callable[[], KeyRing]) -> None:
    ring = reopen()
    with ring._files.changing():
        ring._files.store_next("qr", ed25519.Ed25519PrivateKey.generate())
        before = reopen().qr.key_id
        assert before == ring.qr.key_id
        assert (ring.folder / "qr-next.p12").exists()
    assert reopen().qr.key_id != before


def test_a_key_that_waits_and_cannot_be_read_stops_nothing(folder: Path, reopen: Callable[[], KeyRing]) -> None:
    (folder / "seal-next.p12").write_bytes(b"cut off")
    ring = reopen()
    assert ring.seal
    ring.renew("seal")
    assert not (folder / "seal-next.p12").exists()


def test_an_expired_key_does_not_sign(ring: KeyRing, clock: Callable) -> None:  # type: ignore[type-arg]
    clock.now += timedelta(days=4 * 365)  # type: ignore[attr-defined]
    for purpose in ("first_party", "seal"):
        with pytest.raises(KeyUnavailable, match="expired on"):
            getattr(ring, purpose)
    ring.renew("seal")
    assert ring.seal


def test_how_long_keys_last(ring: KeyRing) -> None:
    purposes = ("ca", "first-party", "seal", "time-stamp")
    years = {one: (ring.certificate(one).not_valid_after_utc - ring._clock()).days // 365 for one in purposes}  # type: ignore[arg-type]
    assert years == {"ca": 20, "first-party": 3, "seal": 3, "time-stamp": 10}


def test_an_exported_key_opens_with_openssl(ring: KeyRing, tmp_path: Path) -> None:
    (tmp_path / "seal.p12").write_bytes(ring.export_key("seal", "exported passphrase"))
    shown = subprocess.run(
        ["openssl", "pkcs12", "-in", tmp_path / "seal.p12", "-nokeys", "-passin", "pass:exported passphrase"],
        capture_output=True, text=True, check=True, timeout=600,
    ).stdout  # fmt: skip
    assert ring.seal.certificate.public_bytes(Encoding.PEM).decode() in shown


def test_what_is_shown_of_a_ring_holds_no_secret(ring: KeyRing) -> None:
    shown = " ".join(
        repr(thing) for thing in (ring, ring._vault, ring.seal, ring.qr, ring.time_stamp_authority, ring.settings)
    )
    assert PASSPHRASE not in shown
    assert ring._vault.master.hex() not in shown
    assert repr(ring._vault.master)[2:-1] not in shown


def test_issued_lists_what_the_company_ca_made(ring: KeyRing) -> None:
    assert [purpose for _, purpose, _ in ring.issued()] == ["first-party", "seal", "time-stamp"]
    ring.renew("seal")
    assert [purpose for _, purpose, _ in ring.issued()].count("seal") == 2


@pytest.mark.parametrize("purpose", ["first-party", "seal", "time-stamp", "qr", "checkpoint"])
def test_a_process_that_runs_on_uses_the_key_that_another_one_renewed(
    ring: KeyRing, reopen: Callable[[], KeyRing], purpose: str
) -> None:
    def used() -> object:
        if purpose in ("qr", "checkpoint"):
            return getattr(ring, purpose).key_id
        if purpose == "time-stamp":
            return ring.time_stamp_authority.certificate
        return ring._signing(purpose).certificate  # type: ignore[arg-type]

    before = used()
    reopen().renew(purpose)  # type: ignore[arg-type]
    assert used() != before
    assert used() == used()


def test_renewals_at_once_leave_the_key_in_use_published_and_the_newest(reopen: Callable[[], KeyRing]) -> None:
    rings = [reopen() for _ in range(6)]
    with ThreadPoolExecutor(len(rings)) as pool:
        list(pool.map(lambda ring: ring.renew("qr"), rings))
    ring = reopen()
    assert ring.is_published("qr")
    newest = next(iter(ring.used_from("qr")))
    assert newest.endswith(ring.qr.public_key.public_bytes_raw())
    assert len(ring.used_from("qr")) == 1 + len(rings)
    assert not list(ring.folder.glob(".changing*"))


@pytest.mark.parametrize("purpose", ["first-party", "seal", "time-stamp", "qr", "checkpoint"])
def test_a_key_whose_public_part_is_lost_is_not_replaced(ring: KeyRing, purpose: str) -> None:
    file = ring.public_folder / f"{purpose}.pem"
    published = file.read_bytes()
    for lost in (None, b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"):
        file.unlink() if lost is None else file.write_bytes(lost)
        assert not ring.is_published(purpose)  # type: ignore[arg-type]
        with pytest.raises(KeyUnavailable, match=f"key {purpose} in use is not in .*restore the folder"):
            ring.renew(purpose)  # type: ignore[arg-type]
    file.write_bytes(published)
    ring.renew(purpose)  # type: ignore[arg-type]
