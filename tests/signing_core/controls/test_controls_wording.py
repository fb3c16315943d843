"""Every code of the catalogue says in both languages what it means and what is to be done."""

from __future__ import annotations

import re

import pytest

from signing_core.controls import CATALOGUE, in_words
from signing_core.controls.catalogue_de import GERMAN


def test_the_german_catalogue_has_the_same_codes() -> None:
    assert list(GERMAN) == list(CATALOGUE)


@pytest.mark.parametrize("code", CATALOGUE)
def test_two_sentences_in_each_language(code: str) -> None:
    english, german = in_words(code, "en"), in_words(code, "de")
    assert english == (CATALOGUE[code].meaning, CATALOGUE[code].action)
    for ours, theirs in zip(english, german, strict=True):
        assert theirs.endswith(".") and theirs != ours
        assert re.findall(r"`[^`]*`", theirs) == re.findall(r"`[^`]*`", ours)  # the same commands
    assert german.meaning[:1].isupper() and german.action[:1].isupper()


def test_no_two_codes_mean_the_same() -> None:
    meanings = [in_words(code, "de").meaning for code in CATALOGUE]
    assert sorted(set(meanings)) == sorted(meanings)


def test_a_language_that_is_not_ours_is_answered_in_english_and_a_code_that_is_not_there_not_at_all() -> None:
    assert in_words("stuck", "fr") == in_words("stuck", "en")
    for language in ("en", "de"):
        with pytest.raises(KeyError):
            in_words("no-such-code", language)
