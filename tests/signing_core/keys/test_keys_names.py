from __future__ import annotations

import unicodedata

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from signing_core.keys import names, profiles


@given(st.text())
def test_any_text_makes_a_subject_that_can_be_encoded_and_read_back(text: str) -> None:
    subject = profiles.subject(text, fallback="Signer", pseudonym="abc_-1")
    common_name = subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    assert isinstance(common_name, str)
    assert 1 <= len(common_name.encode()) <= 64
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") for c in common_name)
    assert len(subject.public_bytes()) > 0


@given(st.text(alphabet=st.characters(categories=["L", "M", "Zs"]), min_size=1))
def test_what_is_visible_stays_visible(text: str) -> None:
    shown = names.visible(text)
    assert names.visible(shown) == shown
    if any(unicodedata.category(c)[0] == "L" for c in text):
        assert shown


@given(st.text(max_size=300), st.integers(4, 200))
def test_shortening_keeps_a_prefix_within_the_limit(text: str, limit: int) -> None:
    text = names.visible(text)
    short = names.shorten(text, limit)
    assert len(short.encode()) <= limit
    assert short == text or text.startswith(short.removesuffix("…"))


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("  Sample \t Client\n", "Sample Client"),
        ("Sample\x00Client\x1b[31m", "SampleClient[31m"),
        ("Zoe\u0308", "Zoë"),
        ("محمد بن عبد الله", "محمد بن عبد الله"),
        ("\u202eevil\u202c \u2066name\u2069\u200f", "evil name"),
        ("علی\u200cرضا", "علی\u200cرضا"),
        ("王小明", "王小明"),
        ("Sample 👩‍🔬", "Sample 👩‍🔬"),
        ("🙂", "🙂"),
        ("\ud800", ""),
        ("\u0301\u200d", ""),
        ("\ue000\ufdd0", ""),
        ("", ""),
    ],
)
def test_names_as_they_are_typed(typed: str, shown: str) -> None:
    assert names.visible(typed) == shown
    assert names.common_name(typed, fallback="Signer") == (shown or "Signer")


def test_a_long_name_is_cut_in_the_common_name_and_whole_beside_it() -> None:
    name = "Wolfeschlegelsteinhausenbergerdorff " * 3
    subject = profiles.subject(name, fallback="Signer")
    assert str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value).endswith("…")
    whole = subject.get_attributes_for_oid(x509.ObjectIdentifier("2.5.4.41"))
    assert [attribute.value for attribute in whole] == [name.strip()]


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("e\u0301" * 10, 16, "e\u0301" * 4 + "…"),
        ("ab👩‍🔬cd", 12, "ab…"),
        ("👍🏽👍🏽", 12, "👍🏽…"),
        ("🇩🇪🇫🇷🇮🇹", 18, "🇩🇪…"),
        ("🇩🇪🇫🇷🇮🇹", 22, "🇩🇪🇫🇷…"),
    ],
)
def test_cuts_fall_between_characters_as_read(text: str, limit: int, cut: str) -> None:
    assert names.shorten(text, limit) == cut


def test_one_character_longer_than_the_limit_is_cut_all_the_same() -> None:
    short = names.shorten("a" + "\u0301" * 100, 64)
    assert 3 < len(short.encode()) <= 64


def test_a_million_characters_cost_nothing() -> None:
    assert names.common_name("x" * 10**6, fallback="Signer").endswith("…")


@pytest.mark.parametrize("pseudonym", ["", "a b", "a@b.example", "ü", "x" * 65])
def test_what_is_no_pseudonym_is_refused(pseudonym: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        names.subject_serial(pseudonym)


@given(st.text(alphabet="ABCxyz019-_", min_size=1, max_size=43))
def test_a_pseudonym_is_a_printable_string_and_stays_unique(pseudonym: str) -> None:
    serial = names.subject_serial(pseudonym)
    assert set(serial) <= set("ABCxyz019-/")
    assert serial.replace("/", "_") == pseudonym
