"""One minute of fuzzing in every run, and what fuzzing found before."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pdf_parts as parts
import pytest
import signed_samples as made

from signing_core.pdf.revisions import parse
from signing_core.pki import der
from signing_core.verification import cms, time_stamps, verify
from signing_core.verification.changes import ChangeLevel, since
from signing_core.verification.signed_content import Content, digest_of

RUN = Path(__file__).with_name("run.py")


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_minute_of_fuzzing(tmp_path: Path) -> None:
    """With files made here always, with the corpus of foreign files where it is beside the project.

    The same cases each time, so that what it says of a change is about the change; `make fuzz` goes where nobody was.
    """
    command = [
        sys.executable,
        str(RUN),
        "--seconds",
        "60",
        "--jobs",
        "1",
        "--seed",
        "1",
        "--finds",
        str(tmp_path / "finds"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=230, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 kinds of finds" in done.stdout


@pytest.mark.parametrize("short", [b"\x30\x00", b"\x30\x02\x30\x00", b"\x30\x03\x02\x01\x01"])
def test_a_sequence_with_fewer_elements_than_it_needs(short: bytes) -> None:
    """Found by fuzzing in the message imprint of a time-stamp."""
    with pytest.raises(der.DerError):
        der.pair(der.read(short), "the message imprint")


def test_a_signer_named_by_less_than_issuer_and_number() -> None:
    """Found by fuzzing: the serial number of a SignerInfo (RFC 5652, section 5.3) swallowed by the name before it."""
    signer = made.issue("Sample Signer", made.issue("Sample Root", ca=True))
    whole = made.cms(signer, b"content")
    (info,) = cms.parse(whole).signers
    identifier = made.sequence(
        info.issuer, made.tlv(0x02, info.serial.to_bytes((info.serial.bit_length() + 8) // 8, "big"))
    )
    assert whole.count(identifier) == 1
    holds_one = b"\x30" + identifier[1:2] + b"\x04" + bytes([len(identifier) - 4]) + identifier[4:]
    with pytest.raises(der.DerError, match="issuer and serial number"):
        cms.parse(whole.replace(identifier, holds_one))


def test_a_message_imprint_that_is_no_pair() -> None:
    """Found by fuzzing."""
    authority = made.time_stamping("Sample TSA", made.issue("Sample Root", ca=True))
    token = made.token(authority, b"stamped", made.NOW)
    imprint = made.sequence(made.algorithm("2.16.840.1.101.3.4.2.1"), made.tlv(0x04, made.digest("sha256", b"stamped")))
    assert token.count(imprint) == 1
    broken = token.replace(imprint, b"\x30" + imprint[1:2] + b"\x04" + bytes([len(imprint) - 4]) + imprint[4:])
    content = Content(lambda name: digest_of(name, (b"stamped",)), lambda: b"stamped")
    assert time_stamps.check_token(token, content).intact
    assert [code for code, _ in time_stamps.check_token(broken, content).notes] == ["time-stamp-malformed"]


@pytest.mark.parametrize("subtype", [b"[/Form]", b"<< /A /Form >>", b"(Form)", b"60 0 R"])
def test_validation_data_of_an_odd_subtype(subtype: bytes) -> None:
    """Found by fuzzing: /Subtype of a stream of the validation data that is no name, or one through a reference."""
    signed = parts.signed()
    catalog = parts.newest(signed, parts.CATALOG)
    data = parts.update(
        signed,
        {
            parts.CATALOG: catalog[:-2] + b"/DSS << /Certs [61 0 R] >> >>",
            60: b"/Form",
            61: parts.stream(b"q Q", b"/Subtype " + subtype),
        },
    )
    structure = parse(data)
    assert since(structure, structure.signatures[0].covered_revision or 0).level in (
        ChangeLevel.UNKNOWN,
        ChangeLevel.FORBIDDEN,
    )
    found = verify(data, at=datetime(2026, 11, 25, tzinfo=UTC)).findings
    assert "internal-error" not in {finding.code for finding in found}
