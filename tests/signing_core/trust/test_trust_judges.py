"""Every judge is given one store: what was ever a house's own stays provable by all, and what is of two houses by none."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import signed_samples as made
from click.testing import CliRunner
from sqlalchemy import select

from signing_core.audit_log import verification as log_verification
from signing_core.bulk import certificates
from signing_core.certificate import page, payload
from signing_core.certificate.facts import AuthorityFacts
from signing_core.certificate.scan import Judge, scan
from signing_core.cli import sealtrail as main
from signing_core.desk import certificate_facts, judging
from signing_core.errors import KeyUnavailable
from signing_core.flow import State
from signing_core.pdf import render
from signing_core.pdf import seal as pdf_seal
from signing_core.storage.database import reading
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace
from signing_core.testing import make_workspace
from signing_core.trust import TrustStore, load_trust
from signing_core.trust.workspace import of_workspace
from signing_core.verdict import DocumentVerdict, Indication, Integrity
from signing_core.verification import verify

KEYS = ("first-party", "seal", "time-stamp", "qr", "checkpoint")


def codes(verdict: DocumentVerdict) -> set[str]:
    return {finding.code for finding in verdict.all_findings}


@pytest.fixture(scope="module")
def other_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with make_workspace(tmp_path_factory.mktemp("other") / "workspace", organisation="Sample Stamps GmbH") as workspace:
        yield workspace


@pytest.fixture
def house(completed: Any, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of the workspace whose document is completed."""
    shutil.copytree(completed.folder, tmp_path / "house")
    with Workspace.open(tmp_path / "house") as workspace:
        yield workspace


@pytest.fixture(scope="module")
def page_picture(completed: Any) -> Any:
    return render.render(completed.final, render.page_count(completed.final), dpi=150)


def public(workspace: Workspace) -> Path:
    return workspace.keys().public_folder


# Renewed keys


@pytest.mark.parametrize("renewed", [*KEYS, "all"])
def test_what_was_signed_with_a_former_key_is_judged_alike_by_all(
    renewed: str, completed: Any, house: Workspace, page_picture: Any
) -> None:
    for _ in range(2):  # a key before the last one is a former key too
        for purpose in KEYS if renewed == "all" else (renewed,):
            house.keys().renew(purpose)  # type: ignore[arg-type]
    store = of_workspace(house)
    now = house.clock() + timedelta(seconds=2)
    for verdict in (
        verify(completed.final, at=now, workspace_context=judging.context_of(house)),
        verify(completed.final, at=now, trust=store),
        verify(completed.final, at=now, trust=load_trust([public(house)])),
    ):
        assert (verdict.integrity, verdict.indication) == (Integrity.INTACT, Indication.TOTAL_PASSED)
        found = verdict.certificate
        assert (found.sealed_by_us, found.house, found.qr, found.prefix) == (
            True,
            house.keys().house.name,
            "valid",
            "match",
        )
        assert certificates.state_of(verdict.certificate.to_json()) == "valid"
        assert not codes(verdict) & {"qr-key-retired", "house-unknown"}
    (read,) = scan(page_picture, trust=store)
    assert (read.qr, read.in_order, read.house) == ("valid", True, house.keys().house.name)
    assert log_verification.verify(house).in_order


def test_the_command_line_believes_former_keys(completed: Any, house: Workspace, tmp_path: Path) -> None:
    house.keys().renew("qr")
    file = tmp_path / "final.pdf"
    file.write_bytes(completed.final)
    for arguments in (
        ["verify", file, "-w", house.path],
        ["scan", file, "-w", house.path],
        ["scan", file, "--trust", public(house)],
    ):
        ran = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert ran.exit_code == 0, ran.output


def test_a_code_that_says_it_was_made_after_its_key_was_replaced(completed: Any, house: Workspace) -> None:
    signer = house.keys().qr
    claims = dataclasses.replace(_claims(house, completed), issued_at=house.clock() + timedelta(days=2))
    text = payload.to_url(payload.sign(claims, signer), "sign.example.org")
    assert "qr-key-retired" not in _scanned(house, text)
    house.keys().renew("qr")
    assert "qr-key-retired" in _scanned(house, text)


# What a key is for


def test_a_code_signed_with_the_checkpoint_key_is_nobodys(completed: Any, house: Workspace) -> None:
    signed = payload.sign(_claims(house, completed), house.keys().checkpoint)
    result = Judge(of_workspace(house)).text(payload.to_url(signed, "sign.example.org"))
    assert (result.qr, result.in_order) == ("unknown-key", False)
    forged = _resealed(house, completed, by=house, url=payload.to_url(signed, "sign.example.org"))
    for store in (of_workspace(house), load_trust([public(house)])):
        verdict = verify(forged, at=house.clock() + timedelta(seconds=2), trust=store)
        assert verdict.certificate.qr == "foreign"
        assert certificates.state_of(verdict.certificate.to_json()) == "wrong"


def test_the_root_of_a_time_stamp_authority_vouches_for_time_stamps_alone(house: Workspace) -> None:
    root = made.issue("Sample Authority", ca=True, not_after=made.NOW + 20 * made.YEAR)
    house.keys().remember_authorities([root.certificate])
    store = of_workspace(house)
    signed = made.signed(made.issue("Somebody", root))
    assert verify(signed, at=made.NOW, trust=store).indication is not Indication.TOTAL_PASSED
    stamped = made.signed(
        made.issue(
            "Sample Signer", (trusted := made.issue("Sample Root", ca=True, not_after=made.NOW + 20 * made.YEAR))
        ),
        stamp=lambda value: made.token(
            made.time_stamping("Sample TSA", root, not_after=made.NOW + made.YEAR), value, made.NOW
        ),
    )
    verdict = verify(stamped, at=made.NOW, trust=store + made.store(trusted.der))
    assert (verdict.indication, verdict.time) == (Indication.TOTAL_PASSED, "proven")


# Two houses


def test_a_house_that_seals_what_another_ones_client_signed(
    completed: Any, house: Workspace, other_house: Workspace, tmp_path: Path
) -> None:
    """With other names on the page, beside the genuine QR code: nothing of it is of one house."""
    forged = _resealed(house, completed, by=other_house)
    both = load_trust([public(house), public(other_house)])
    loose = made.store(
        *(part.content for one in both.houses for part in one.parts if not part.is_key), keys=both.keys("qr")
    )
    # The same in files without headings, whose names say which are seals
    named = load_trust([_without_headings(one, tmp_path / one.keys().house.id) for one in (house, other_house)])
    for store in (both, loose, named, of_workspace(house) + both, of_workspace(other_house) + both):
        verdict = verify(forged, at=house.clock() + timedelta(seconds=2), trust=store)
        assert (verdict.integrity, verdict.indication) == (Integrity.ALTERED, Indication.TOTAL_FAILED)
        assert "houses-differ" in codes(verdict)
        assert (verdict.certificate.sealed_by_us, verdict.certificate.house) == (False, None)
        assert certificates.state_of(verdict.certificate.to_json()) == "wrong"
        assert not verdict.in_order


def test_a_certificate_that_two_houses_have_bought_counts_for_both(
    completed: Any, house: Workspace, other_house: Workspace
) -> None:
    """The seal is on the lists of both; whose the document is, the rest of it says."""
    one, other = load_trust([public(house), public(other_house)]).houses
    shared = dataclasses.replace(
        other, parts=(*other.parts, *(p for p in one.parts if p.purpose in ("seal", "first-party")))
    )
    for houses in ((one, shared), (shared, one)):
        verdict = verify(completed.final, at=house.clock() + timedelta(seconds=2), trust=TrustStore(houses))
        assert (verdict.in_order, verdict.certificate.house) == (True, one.name)


def test_a_house_that_seals_it_with_a_code_of_its_own(completed: Any, house: Workspace, other_house: Workspace) -> None:
    url = payload.to_url(payload.sign(_claims(house, completed), other_house.keys().qr), "sign.example.org")
    forged = _resealed(house, completed, by=other_house, url=url)
    for store in (
        load_trust([public(house), public(other_house)]),
        of_workspace(house),
        load_trust([public(other_house)]),
    ):
        verdict = verify(forged, at=house.clock() + timedelta(seconds=2), trust=store)
        assert verdict.certificate.sealed_by_us is not True or store.own is None
        assert not verdict.in_order


def test_a_whole_document_of_another_house_is_intact_and_says_whose_it_is(
    completed: Any, house: Workspace, other_house: Workspace
) -> None:
    at = house.clock() + timedelta(seconds=2)
    context = judging.context_of(other_house)
    told = verify(completed.final, at=at, trust=load_trust([public(house)]), workspace_context=context)
    assert (told.integrity, told.indication) == (Integrity.INTACT, Indication.TOTAL_PASSED)
    assert (told.certificate.sealed_by_us, told.certificate.house) == (False, "Sample Seals GmbH")
    assert "other-house" in codes(told)
    assert certificates.state_of(told.certificate.to_json()) == "foreign"
    untold = verify(completed.final, at=at, workspace_context=context)
    assert (untold.integrity, untold.indication) == (Integrity.INTACT, Indication.INDETERMINATE)
    assert (untold.certificate.sealed_by_us, untold.certificate.house) == (False, None)
    assert "house-unknown" in codes(untold) and not {"seal-not-ours", "other-house"} & codes(untold)


def test_what_claims_to_be_ours_and_is_sealed_by_a_stranger_is_a_forgery(
    completed: Any, house: Workspace, other_house: Workspace
) -> None:
    verdict = verify(
        _resealed(house, completed, by=other_house),
        at=house.clock() + timedelta(seconds=2),
        workspace_context=judging.context_of(house),
    )
    assert (verdict.integrity, verdict.certificate.sealed_by_us) == (Integrity.ALTERED, False)
    assert "seal-not-ours" in codes(verdict)


def test_houses_that_a_workspace_was_told_of(completed: Any, house: Workspace, other_house: Workspace) -> None:
    folder = other_house.keys().folder / "houses"
    folder.mkdir()
    try:
        (folder / "seals.pem").write_bytes(b"".join(file.read_bytes() for file in sorted(public(house).glob("*.pem"))))
        store = of_workspace(other_house)
        assert [one.name for one in store.houses] == ["Sample Stamps GmbH", "Sample Seals GmbH"]
        verdict = verify(completed.final, at=house.clock() + timedelta(seconds=2), trust=store)
        assert (verdict.certificate.house, verdict.certificate.sealed_by_us) == ("Sample Seals GmbH", False)
        assert verdict.indication is Indication.TOTAL_PASSED
    finally:
        shutil.rmtree(folder)


def test_nothing_believed_never_passes_as_nothing_to_believe(house: Workspace) -> None:
    for folder in (public(house), house.keys().folder):
        folder.rename(folder.with_name("elsewhere"))
        with pytest.raises(KeyUnavailable, match="restore"):
            of_workspace(house)
        folder.with_name("elsewhere").rename(folder)


# Scans


def test_a_code_behind_another_hosts_address_is_not_in_order(completed: Any, house: Workspace) -> None:
    text = payload.to_url(payload.sign(_claims(house, completed), house.keys().qr), "evil.example")
    result = Judge(of_workspace(house)).text(text)
    assert (result.qr, result.in_order) == ("valid", False)
    ran = CliRunner().invoke(main, ["scan", "--text", text, "--trust", str(public(house))])
    assert ran.exit_code == 1


# Helpers


def _without_headings(house: Workspace, folder: Path) -> Path:
    folder.mkdir()
    for file in public(house).iterdir():
        (folder / file.name).write_text(re.sub("Sealtrail-.*\n", "", file.read_text()))
    return folder


def _scanned(house: Workspace, text: str) -> set[str]:
    return {finding.code for finding in Judge(of_workspace(house)).text(text).findings}


def _claims(house: Workspace, completed: Any) -> payload.QrClaims:
    (code,) = scan(
        render.render(completed.final, render.page_count(completed.final), dpi=150),
        trust=load_trust([completed.public]),
    )
    parsed = payload.from_text(code.text or "")
    claims = payload.verify(parsed or b"", of_workspace(house).public_keys("qr")).claims
    assert claims is not None
    return claims


def _resealed(house: Workspace, completed: Any, *, by: Workspace, url: str | None = None) -> bytes:
    """What the client of `house` signed, sealed with the key of `by`, with another name on the certificate page."""
    ring = by.keys()
    with reading(house.engine) as connection:
        row = connection.execute(select(documents).where(documents.c.id == completed.document_id)).one()
        facts = certificate_facts.gather(
            house, connection, State.from_json(row.state), house.clock(), seal_certificate_sha256="0" * 64, qr_key_id="0" * 16,
            time_stamps=AuthorityFacts(by.time_stamps.name, by.time_stamps.embedded),
        )  # fmt: skip
    parties = tuple(dataclasses.replace(party, name="Sample Nobody") for party in facts.parties)
    if url is None:
        url = payload.to_url(payload.sign(_claims(house, completed), house.keys().qr), facts.host)
    changed = dataclasses.replace(facts, parties=parties)
    return pdf_seal.seal(
        completed.signed, key=ring.seal, time_stamps=by.time_stamps, page=page.typeset(changed, url, "en"),
        summary=page.summary(changed, "en"), signed_at=house.clock(),
    ).data  # fmt: skip
