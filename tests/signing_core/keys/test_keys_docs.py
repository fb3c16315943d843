"""What docs/keys.md says is run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography import x509

from signing_core.keys import oids
from signing_core.keys.ring import KeyRing

DOCS = Path(__file__).parents[3] / "docs" / "keys.md"


def test_keys_can_be_read_without_sealtrail(
    ring: KeyRing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [script] = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert "signing_core" not in script
    monkeypatch.chdir(ring.folder.parent)
    found: dict[str, object] = {"passphrase": "correct horse battery"}
    exec(script, found)
    assert repr(ring.seal.certificate.subject) in capsys.readouterr().out


def test_policies_are_the_ones_written_down(ring: KeyRing) -> None:
    [arc] = re.findall(r"`(2\.25\.\d+)`", DOCS.read_text())
    policies = (oids.FIRST_PARTY_POLICY, oids.ONE_TIME_POLICY, oids.SEAL_POLICY, oids.TIME_STAMP_POLICY)
    assert policies == tuple(f"{arc}.{n}" for n in (1, 2, 3, 4))


def test_the_address_of_the_crl_is_the_one_written_down(ring: KeyRing) -> None:
    identifier = ring.ca.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert ring.ca.crl_url == f"http://pki.example.test/pki/ca-{identifier.hex()[:16]}.crl"
