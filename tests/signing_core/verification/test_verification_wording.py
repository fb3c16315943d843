"""Every finding is said to everybody, in English and in German."""

from __future__ import annotations

import re

import pytest

from signing_core.verification.findings import CATALOGUE
from signing_core.verification.wording import in_words
from signing_core.verification.wording.advice import ADVICE
from signing_core.verification.wording.sentences import MEANINGS

_OF_EXPERTS = re.compile(r"CMS|DER|DSS|ESS|XMP|/[A-Z]|`|byte|cross-ref|revision|digest|Prüfwert|dictionary")


def test_the_wording_is_of_the_catalogue_and_nothing_else() -> None:
    assert set(MEANINGS) == set(CATALOGUE)
    assert {advice for *_, advice in MEANINGS.values()} == set(ADVICE)


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_finding_is_said_in_whole_and_plain_sentences(code: str) -> None:
    english, german = in_words(code, "en"), in_words(code, "de")
    for text in (*english, *german):
        assert re.fullmatch(r"[A-ZÄÖÜ].*\.", text)
        assert not _OF_EXPERTS.search(text)
    assert english.meaning != german.meaning and english.action != german.action


@pytest.mark.parametrize("code", [code for code, kind in CATALOGUE.items() if kind.severity == "error"])
def test_an_error_asks_for_something_to_be_done(code: str) -> None:
    assert MEANINGS[code][2] != "none"


def test_one_advice_is_not_said_in_two_ways() -> None:
    """Pages put findings with the same advice together, by its words."""
    for column in (0, 1):
        assert len({texts[column] for texts in ADVICE.values()}) == len(ADVICE)


def test_other_languages_get_english() -> None:
    assert in_words("expired", "fr") == in_words("expired", "en")
    with pytest.raises(KeyError):
        in_words("no-such-code", "en")
