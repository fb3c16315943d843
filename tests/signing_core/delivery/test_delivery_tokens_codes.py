from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing_core.delivery import codes, secrecy, tokens

KEY = hashlib.sha256(b"a server key of the tests").digest()
BOUND: dict[str, Any] = {
    "document_id": "01JDOCUMENT000000000000000",
    "role": "client",
    "session_hash": "a" * 64,
    "document_sha256": "b" * 64,
    "challenge_id": "01JCHALLENGE00000000000000",
}


def test_a_token_has_256_bits_and_is_found_by_its_hash() -> None:
    text, token_hash = tokens.new_token()
    assert len(base64.urlsafe_b64decode(text + "=")) == 32
    assert token_hash == hashlib.sha256(text.encode()).hexdigest() == tokens.hash_token(text)
    assert tokens.is_token(text)


def test_tokens_do_not_repeat() -> None:
    assert len({tokens.new_token()[0] for _ in range(1000)}) == 1000


@given(st.text())
def test_any_text_may_be_asked_for(text: str) -> None:
    assert len(tokens.hash_token(text)) == 64
    if tokens.is_token(text):
        assert text.isascii() and len(text) == 43


def test_a_lone_surrogate_is_no_token_and_no_crash() -> None:
    assert not tokens.is_token("\ud800" * 43)
    assert len(tokens.hash_token("\ud800")) == 64
    assert not codes.code_matches(KEY, "\ud800", "0" * 64, **BOUND)


def test_leading_zeros_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "randbelow", lambda limit: 42 if limit == 10**6 else 0)
    digits, code_hash = codes.new_code(KEY, **BOUND)
    assert digits == "000042"
    assert codes.code_matches(KEY, "000 042", code_hash, **BOUND)
    assert not codes.code_matches(KEY, "42", code_hash, **BOUND)
    assert codes.grouped(digits) == "000 042"


def test_codes_cover_their_whole_range() -> None:
    first = {codes.new_code(KEY, **BOUND)[0][0] for _ in range(500)}
    assert first == set("0123456789")


def test_a_code_is_an_hmac_with_a_key_derived_for_codes_alone() -> None:
    digits, code_hash = codes.new_code(KEY, **BOUND)
    parts = (
        digits,
        *(BOUND[name] for name in ("document_id", "role", "session_hash", "document_sha256", "challenge_id")),
    )
    plain = b"".join(len(part).to_bytes(4, "big") + part.encode() for part in parts)
    assert code_hash == hmac.digest(secrecy.derive(KEY, secrecy.CODES), plain, "sha256").hex()
    assert secrecy.derive(KEY, secrecy.CODES) != secrecy.derive(KEY, secrecy.OUTBOX)


@pytest.mark.parametrize("part", list(BOUND))
def test_a_code_confirms_nothing_but_what_it_was_sent_for(part: str) -> None:
    digits, code_hash = codes.new_code(KEY, **BOUND)
    assert codes.code_matches(KEY, digits, code_hash, **BOUND)
    assert not codes.code_matches(KEY, digits, code_hash, **(BOUND | {part: BOUND[part] + "x"}))


def test_parts_cannot_be_shifted_into_one_another() -> None:
    moved = BOUND | {"document_id": BOUND["document_id"] + "c", "role": "lient"}
    assert codes.code_hash(KEY, "123456", **BOUND) != codes.code_hash(KEY, "123456", **moved)


def test_another_server_key_means_another_hash() -> None:
    digits, code_hash = codes.new_code(KEY, **BOUND)
    assert not codes.code_matches(bytes(32), digits, code_hash, **BOUND)
    with pytest.raises(ValueError, match="32 bytes"):
        codes.new_code(b"short", **BOUND)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("042917", "042917"),
        (" 042 917 ", "042917"),
        ("042-917", "042917"),
        ("042\u00a0917", "042917"),
        ("０４２９１７", "042917"),
        ("٠٤٢٩١٧", "042917"),
        ("\u200e042917", "042917"),
        ("42917", None),
        ("0429170", None),
        ("04291a", None),
        ("½42917", None),
        ("", None),
        ("042917" + " " * 100, None),
        ("+42917", None),
    ],
)
def test_what_a_person_types_is_understood(typed: str, meant: str | None) -> None:
    assert codes.normalise(typed) == meant


@given(st.text(max_size=80))
def test_normalising_never_fails_and_never_invents(typed: str) -> None:
    meant = codes.normalise(typed)
    assert meant is None or (len(meant) == 6 and meant.isascii() and meant.isdigit())


@given(st.integers(0, 999_999), st.integers(0, 999_999))
def test_only_the_same_digits_match(sent: int, typed: int) -> None:
    code_hash = codes.code_hash(KEY, f"{sent:06d}", **BOUND)
    assert codes.code_matches(KEY, f"{typed:06d}", code_hash, **BOUND) == (sent == typed)
