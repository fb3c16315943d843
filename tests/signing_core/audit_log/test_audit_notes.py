from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from signing_core.audit_log import notes
from signing_core.audit_log.checkpoint import Checkpoint
from signing_core.audit_log.notes import COSIGNATURE, Note, NoteInvalid, Verifier
from signing_core.audit_log.proofs import Proof

NOW = datetime(2026, 5, 4, 8, 0, 0, 500, tzinfo=UTC)
TEXT = "log.example/1\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"


class Key:
    def __init__(self, seed: int) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)

    @property
    def public_key(self) -> Ed25519PublicKey:
        return self._private.public_key()

    key_id = b""

    def sign(self, data: bytes) -> bytes:
        return self._private.sign(data)


LOG, OTHER, WITNESS = Key(1), Key(2), Key(3)
LOG_VERIFIER = Verifier("log.example/1", LOG.public_key)
WITNESS_VERIFIER = Verifier("witness.example/w", WITNESS.public_key, COSIGNATURE)
LINE = notes.sign(TEXT, "log.example/1", LOG)
NOTE = Note(TEXT, (LINE,))


def test_a_published_note_verifies() -> None:
    """The example in the documentation of Go's golang.org/x/mod/sumdb/note."""
    key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    text = (
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    verifier = Verifier.from_vkey(key)
    assert verifier.vkey == key
    assert notes.verified(notes.parse(text), [verifier])[0][0] == verifier
    with pytest.raises(NoteInvalid, match="does not verify"):
        notes.verified(notes.parse(text.replace("problem is", "problem was")), [verifier])


def test_a_note_goes_out_and_comes_back() -> None:
    cosigned = NOTE.plus([notes.cosign(TEXT, "witness.example/w", WITNESS, now=NOW)])
    assert notes.parse(str(cosigned)) == cosigned
    assert notes.parse(str(cosigned).encode()) == cosigned
    found = notes.verified(cosigned, [LOG_VERIFIER, WITNESS_VERIFIER])
    assert [verifier for verifier, _ in found] == [LOG_VERIFIER, WITNESS_VERIFIER]
    assert found[1][1].time == NOW.replace(microsecond=0)
    assert cosigned.plus(cosigned.signatures) == cosigned


def test_signatures_by_unknown_keys_are_ignored_and_alone_not_enough() -> None:
    stranger = notes.sign(TEXT, "log.example/1", OTHER)
    assert len(notes.verified(NOTE.plus([stranger]), [LOG_VERIFIER])) == 1
    with pytest.raises(NoteInvalid, match="known key"):
        notes.verified(Note(TEXT, (stranger,)), [LOG_VERIFIER])


def test_a_bad_signature_by_a_known_key_spoils_the_note() -> None:
    bad = notes.SignatureLine(LINE.name, LINE.key_id, bytes(64))
    with pytest.raises(NoteInvalid, match="does not verify"):
        notes.verified(NOTE.plus([bad]), [LOG_VERIFIER])


def test_a_cosignature_is_bound_to_its_time_and_kind() -> None:
    line = notes.cosign(TEXT, "witness.example/w", WITNESS, now=NOW)
    later = notes.SignatureLine(line.name, line.key_id, bytes(7) + b"\1" + line.value[8:])
    for wrong in (later, notes.SignatureLine(line.name, line.key_id, line.value[:-1])):
        with pytest.raises(NoteInvalid):
            WITNESS_VERIFIER.verify(TEXT, wrong)
    plain = notes.sign(TEXT, "witness.example/w", WITNESS)
    assert not WITNESS_VERIFIER.knows(plain)


@pytest.mark.parametrize(
    "text",
    [
        "", "no signature\n", TEXT, TEXT + "\n", str(NOTE)[:-1], str(NOTE) + "\n", str(NOTE).replace("—", "-"),
        str(NOTE).replace("7", "7\t"), str(NOTE) + "— two words abcd\n", TEXT + "\n— a+b AAAAAAAA\n",
        TEXT + "\n— name AAAA\n", TEXT + "\n— name AAAAAAA=\r\n", TEXT + "\n— name AAAAAB==\n", "\n" * 5,
        TEXT + "\n" + str(LINE) * 101,
    ],
)  # fmt: skip
def test_what_is_no_note(text: str) -> None:
    with pytest.raises(NoteInvalid):
        notes.parse(text)


@pytest.mark.parametrize(
    "text", ["", "a+b", "a+00000000+AAAA", "a b+00000000+" + "A" * 44, LOG_VERIFIER.vkey.replace("+", "+0", 1)]
)
def test_what_is_no_verifier_key(text: str) -> None:
    with pytest.raises(NoteInvalid):
        Verifier.from_vkey(text)


@pytest.mark.parametrize(
    "text",
    [
        "o\n1\n", "o\n01\n" + "A" * 43 + "=\n", "o\n-1\n" + "A" * 43 + "=\n", "\n1\n" + "A" * 43 + "=\n",
        "o\n1\nAAAA\n", "o\n1\n" + "A" * 42 + "B=\n", "o\n9223372036854775808\n" + "A" * 43 + "=\n",
        "o\n1\n" + "A" * 43 + "=\n\nx\n", "o\n١\n" + "A" * 43 + "=\n",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(NoteInvalid):
        Checkpoint.of(Note(text, ()))


@given(st.text(st.characters(codec="utf-8", exclude_characters="+"), min_size=1).filter(lambda s: not any(c.isspace() or c < " " for c in s)),
       st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))  # fmt: skip
def test_every_checkpoint_comes_back(origin: str, size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin, size, root)
    assert Checkpoint.of(Note(checkpoint.text, ())) == checkpoint


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.none() | st.binary())
def test_every_proof_comes_back(index: int, path: list[bytes], extra: bytes | None) -> None:
    proof = Proof(index, tuple(path), NOTE, extra)
    assert Proof.parse(str(proof)) == proof
    assert Proof.parse(str(proof).encode()) == proof


@given(
    st.text()
    | st.builds(
        lambda t, a, b: t[:a] + t[b:],
        st.just(str(Proof(3, (b"x" * 32,), NOTE, b"e"))),
        st.integers(0, 300),
        st.integers(0, 300),
    )
)
def test_nonsense_is_refused_and_nothing_else_happens(text: str) -> None:
    for parse in (notes.parse, Proof.parse, Verifier.from_vkey):
        try:
            parse(text)
        except NoteInvalid:
            continue
