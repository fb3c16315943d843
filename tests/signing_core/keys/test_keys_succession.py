"""The successor of the company CA, in the same ring."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from signing_core.errors import UsageError
from signing_core.keys import chains, files
from signing_core.keys.ring import KeyRing

PASSPHRASE = "correct horse battery"
COMPANY = ("first-party", "seal", "time-stamp")


def test_the_successor_has_a_new_root_and_new_keys_under_it(ring: KeyRing, reopen: Callable[[], KeyRing]) -> None:
    former, keys = ring.ca, {purpose: ring.certificate(purpose) for purpose in COMPANY}  # type: ignore[arg-type]
    done = ring.succeed_ca()
    assert (done.renewed, done.to_certify, done.bought) == (COMPANY, (), ())
    for opened in (ring, reopen()):
        assert opened.ca.name != former.name
        assert opened.ca.certificate.subject != former.certificate.subject
        assert opened.trust_anchors == [opened.ca.certificate, former.certificate]
        assert [ca.name for ca in opened.cas] == [opened.ca.name, former.name]
        for purpose in COMPANY:
            now = opened.certificate(purpose)  # type: ignore[arg-type]
            assert chains.issued_by(now, opened.ca.certificate)
            assert now.subject == keys[purpose].subject
            assert opened.certificates(purpose) == [now, keys[purpose]]  # type: ignore[arg-type]


def test_the_former_one_goes_on_issuing_lists_and_nothing_else(ring: KeyRing, clock: Any) -> None:
    former, seal = ring.ca.certificate, ring.seal.certificate
    ring.succeed_ca()
    (before,) = ring.cas[1:]
    clock.now += timedelta(days=400)
    crl = x509.load_der_x509_crl(before.crl(clock(), 7, []))
    assert crl.is_signature_valid(former.public_key())  # type: ignore[arg-type]
    assert crl.extensions.get_extension_for_oid(x509.ObjectIdentifier("2.5.29.60"))
    issuer = ring.issuer_of(seal)
    assert issuer is not None
    assert issuer.name == before.name


def test_run_again_it_makes_no_other(ring: KeyRing, clock: Any) -> None:
    made = ring.succeed_ca().new
    assert ring.succeed_ca().new == made
    assert ring.succeed_ca().renewed == ()
    assert ring.succeed_ca(again=True).new != made
    clock.now += timedelta(days=2)
    third = ring.succeed_ca().new
    assert len(ring.cas) == 4
    assert len({ca.certificate.subject for ca in ring.cas}) == 4
    assert ring.ca.certificate == third


def test_bought_keys_stay(ring: KeyRing, trust_service: Any) -> None:
    ring.import_key("seal", trust_service.sell(), "bought")
    bought = ring.seal.certificate
    done = ring.succeed_ca()
    assert (done.renewed, done.bought) == (("first-party", "time-stamp"), ("seal",))
    assert ring.seal.certificate == bought


def test_cut_off_anywhere_the_ring_opens_and_the_next_run_finishes(
    made_ring: Path, tmp_path: Path, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, writes, allowed = files.write_atomically, 0, 0

    def cut_off(path: Path, data: bytes, **options: int) -> None:
        nonlocal writes
        writes += 1
        if writes > allowed:
            raise InterruptedError
        real(path, data, **options)

    while True:
        folder = shutil.copytree(made_ring, tmp_path / f"ring-{allowed}")

        def reopen(folder: Path = folder) -> KeyRing:
            return KeyRing.open(folder, PASSPHRASE, clock=clock)

        ring, writes = reopen(), 0
        former = ring.ca.certificate
        with monkeypatch.context() as patched:
            patched.setattr(files, "write_atomically", cut_off)
            try:
                ring.succeed_ca()
                break
            except InterruptedError:
                pass
        between = reopen()
        for purpose in COMPANY:
            certificate = between.certificate(purpose)  # type: ignore[arg-type]
            assert certificate in between.certificates(purpose)  # type: ignore[arg-type]
            assert chains.reaches(certificate, [], between.trust_anchors, clock())
        assert former in [ca.certificate for ca in between.cas]
        after = reopen()
        done = after.succeed_ca()
        assert done.former == (former,)
        assert [chains.issued_by(after.certificate(p), done.new) for p in COMPANY] == [True] * 3  # type: ignore[arg-type]
        assert after.trust_anchors == [done.new, former], "no root without a key is left behind"
        assert not (folder / "ca-next.p12").exists()
        allowed += 1
    assert allowed == 10  # four files for the CA, two for each key, which is then put in its place


def test_a_key_is_not_renewed_where_it_should_be_succeeded(ring: KeyRing) -> None:
    with pytest.raises(UsageError, match="succeed ca"):
        ring.renew("ca")


def test_two_at_once_make_one(reopen: Callable[[], KeyRing]) -> None:
    rings = [reopen() for _ in range(3)]
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda ring: ring.succeed_ca().new, rings))
    assert len(set(made)) == 1
    assert len(reopen().cas) == 2
    assert not list(reopen().folder.glob(".changing"))
