from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from signing_core.errors import UsageError
from signing_core.keys import register
from signing_core.keys.software import SoftwareKey, new_private_key, pkcs12_bytes
from signing_core.storage.database import reading
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock, make_workspace
from signing_core.trust import load_trust
from signing_core.trust.workspace import of_workspace

KEYS = ["ca", "first-party", "seal", "time-stamp", "qr", "checkpoint"]


def test_show_names_every_key_in_use(run: Callable[..., Any]) -> None:
    rows = run("keys", "show", "--json").json["keys"]
    assert [row["key"] for row in rows] == KEYS
    assert {row["state"] for row in rows} == {"in-use"}
    assert {row["place"] for row in rows} == {"company"}
    assert [bool(row["valid_until"]) for row in rows] == [True] * 4 + [False] * 2


def test_show_names_former_keys_with_their_times(run: Callable[..., Any], clock: ManualClock) -> None:
    clock.forward(days=400)
    assert run("keys", "renew", "all").status == 0
    rows = run("keys", "show", "--json").json["keys"]
    assert [row["key"] for row in rows] == ["ca"] + [key for key in KEYS[1:] for _ in range(2)]
    seal, former = (row for row in rows if row["key"] == "seal")
    assert (seal["state"], former["state"]) == ("in-use", "former")
    assert seal["used_from"] == former["used_until"]
    assert former["used_from"] < former["used_until"] < former["valid_until"]
    table = run("keys", "show").output.splitlines()
    assert table[0].split() == ["key", "state", "from", "until", "certificate", "ends", "where", "id"]
    assert len(table) == 1 + len(rows) + 1


@pytest.fixture
def bought(clock: ManualClock) -> bytes:
    """A seal by a trust service, as PKCS#12."""

    def issue(name: str, key: Any, signer: Any, issuer: str, ca: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .serial_number(x509.random_serial_number())
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .not_valid_before(clock() - timedelta(days=1))
            .not_valid_after(clock() + timedelta(days=700))
            .add_extension(x509.BasicConstraints(ca, None), True)
        )
        return builder.sign(signer, hashes.SHA256())

    root_key, key = new_private_key(), new_private_key()
    root = issue("Sample Trust Root", root_key, root_key, "Sample Trust Root", True)
    seal = issue("Sample Seals GmbH Seal", key, root_key, "Sample Trust Root", False)
    return pkcs12_bytes(SoftwareKey(key, seal, (root,)), "seal", b"bought passphrase")


def test_a_bought_key_is_not_replaced_in_passing(run: Callable[..., Any], workspace: Workspace, bought: bytes) -> None:
    workspace.keys().import_key("seal", bought, "bought passphrase")
    before = workspace.keys().seal.certificate
    with pytest.raises(UsageError, match="is bought: import its successor"):
        run("keys", "renew", "seal")
    done = run("keys", "renew", "all", "--json").json
    assert done["renewed"] == ["first-party", "time-stamp", "qr", "checkpoint"]
    assert done["left"]["seal"].startswith("it is bought; import its successor")
    assert workspace.keys().seal.certificate == before
    assert run("keys", "renew", "seal", "--company-ca").status == 0
    assert workspace.keys().seal.certificate != before


def test_succeed_ca(run: Callable[..., Any], workspace: Workspace) -> None:
    former = workspace.keys().ca.name
    seal = register.serial_text(workspace.keys().seal.certificate)
    done = run("keys", "succeed", "ca", "--json").json
    assert done["former"] == [former]
    assert done["renewed"] == ["first-party", "seal", "time-stamp"]
    assert run("keys", "succeed", "ca", "--json").json["ca"] == done["ca"]
    assert run("keys", "revoke", seal, "--reason", "superseded").status == 0
    with reading(workspace.engine) as connection:
        for name in (former, done["ca"]):
            latest = register.latest_crl(connection, name)
            assert latest is not None
    shown = [row for row in run("keys", "show", "--json").json["keys"] if row["key"] == "ca"]
    assert [row["state"] for row in shown] == ["in-use", "former"]


def test_what_a_former_ca_issued_can_be_revoked(run: Callable[..., Any], workspace: Workspace) -> None:
    former, seal = workspace.keys().ca, workspace.keys().seal.certificate
    run("keys", "succeed", "ca")
    run("keys", "revoke", register.serial_text(seal), "--reason", "key-compromise")
    with reading(workspace.engine) as connection:
        latest = register.latest_crl(connection, former.name)
    assert latest is not None
    crl = x509.load_der_x509_crl(latest.der)
    assert crl.get_revoked_certificate_by_serial_number(seal.serial_number) is not None
    assert crl.is_signature_valid(former.certificate.public_key())  # type: ignore[arg-type]


def test_trust_makes_another_house_known(run: Callable[..., Any], workspace: Workspace, tmp_path: Path) -> None:
    with make_workspace(tmp_path / "other", organisation="Sample Stamps GmbH") as other:
        other.keys().renew("qr")
        public, house = other.keys().public_folder, other.keys().house
    ran = run("keys", "trust", public, "--yes")
    assert (ran.status, "Sample Stamps GmbH" in ran.output) == (0, True)
    store = of_workspace(workspace)
    assert [one.id for one in store.houses] == [workspace.keys().house.id, house.id]
    assert store.houses[1] == load_trust([public]).houses[0]
    assert run("keys", "trust", public / "anchors.pem", "--yes").status == 0
    assert of_workspace(workspace) == store, "what was known stays known"


def test_trust_asks_and_refuses_what_is_no_other_house(
    run: Callable[..., Any], workspace: Workspace, tmp_path: Path
) -> None:
    with make_workspace(tmp_path / "other", organisation="Sample Stamps GmbH") as other:
        assert run("keys", "trust", other.keys().public_folder).status == 1, "nobody said yes"
    assert len(of_workspace(workspace).houses) == 1
    with pytest.raises(UsageError, match="own house"):
        run("keys", "trust", workspace.keys().public_folder, "--yes")
    loose = tmp_path / "root.pem"
    loose.write_bytes(workspace.keys().ca.certificate.public_bytes(serialization.Encoding.PEM))
    with pytest.raises(UsageError, match="names no house"):
        run("keys", "trust", loose, "--yes")


def test_trust_says_what_is_new_of_a_house_that_is_known(
    run: Callable[..., Any], workspace: Workspace, tmp_path: Path
) -> None:
    with make_workspace(tmp_path / "other", organisation="Sample Stamps GmbH") as other:
        public, house = other.keys().public_folder, other.keys().house
        assert "NEW" not in run("keys", "trust", public, "--yes").output
        other.keys().renew("qr")
        ran, new = run("keys", "trust", public, "--yes"), other.keys().qr.public_key.public_bytes_raw()
    assert f"(house {house.id}), known already" in ran.output
    (line,) = [line for line in ran.output.splitlines() if line.endswith("NEW")]
    assert line.split() == ["qr", hashlib.sha256(new).hexdigest(), "NEW"]


def test_trust_refuses_parts_of_a_known_house_that_nobody_vouches_for(
    run: Callable[..., Any], workspace: Workspace, tmp_path: Path
) -> None:
    with make_workspace(tmp_path / "other", organisation="Sample Stamps GmbH") as other:
        public, house = other.keys().public_folder, other.keys().house
    with make_workspace(tmp_path / "third", organisation="Sample Stamps GmbH") as third:
        key = (third.keys().public_folder / "qr.pem").read_text().replace(third.keys().house.id, house.id)
    assert run("keys", "trust", public, "--yes").status == 0
    known = of_workspace(workspace)
    (public / "more.pem").write_text(key)
    with pytest.raises(UsageError, match=r"as qr of Sample Stamps GmbH .* no company CA of that house vouches for"):
        run("keys", "trust", public, "--yes")
    with pytest.raises(UsageError, match="holds no company CA that this id is made of"):
        run("keys", "trust", public / "more.pem", "--yes")
    assert of_workspace(workspace) == known
    (public / "more.pem").unlink()
    # Nor does what a house itself said for another purpose, or of another time.
    for old, new in (("Key: seal", "Key: first-party"), ("Used-From: 2", "Used-From: 1")):
        text = (public / "seal.pem").read_text()
        (public / "seal.pem").write_text(text.replace(old, new))
        with pytest.raises(UsageError, match="no company CA of that house vouches for"):
            run("keys", "trust", public, "--yes")
        (public / "seal.pem").write_text(text)
    assert run("keys", "trust", public, "--yes").status == 0


def test_trust_takes_no_headings_for_what_they_are_not(
    run: Callable[..., Any], workspace: Workspace, tmp_path: Path
) -> None:
    with make_workspace(tmp_path / "other", organisation="Sample Stamps GmbH") as other:
        public, house = other.keys().public_folder, other.keys().house
    before = {file: file.read_bytes() for file in workspace.keys().folder.rglob("*") if file.is_file()}
    claimed = (workspace.keys().public_folder / "qr.pem").read_text().replace(workspace.keys().house.id, house.id)
    (public / "claimed.pem").write_text(claimed)
    with pytest.raises(UsageError, match="no company CA of that house vouches for"):
        run("keys", "trust", public, "--yes")
    (public / "claimed.pem").unlink()
    for file in public.iterdir():
        file.write_text(file.read_text().replace(house.id, "../public/qr"))
    with pytest.raises(UsageError, match="names no house"):
        run("keys", "trust", public, "--yes")
    assert {file: file.read_bytes() for file in workspace.keys().folder.rglob("*") if file.is_file()} == before


def test_verify_refuses_trust_that_poses_as_the_workspaces_house(
    run: Callable[..., Any], workspace: Workspace, tmp_path: Path
) -> None:
    own = workspace.keys().house
    with make_workspace(tmp_path / "other", organisation="Sample Stamps GmbH") as other:
        public, house = other.keys().public_folder, other.keys().house
    for file in public.iterdir():
        file.write_text(file.read_text().replace(house.id, own.id))
    (tmp_path / "any.pdf").write_bytes(b"%PDF-")
    for arguments in (["verify", tmp_path / "any.pdf"], ["scan", tmp_path / "any.pdf"]):
        with pytest.raises(UsageError, match="holds no company CA that this id is made of"):
            run(*arguments, "--trust", public)
