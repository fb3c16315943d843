"""What Dagster shows of texts from outside."""

from __future__ import annotations

import dagster as dg
import pytest

from pipelines.defs.common import cell, worst
from signing_core.bulk.exceptions import Cases


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a | *b*", "a | *b*"),
        ("two\nlines", "two lines"),
        ("fdp.\u202eexe", r"fdp.\u202eexe"),
        ("a\x07b", r"a\x07b"),
        ("Müller 文", "Müller 文"),
    ],
)
def test_a_text_from_outside_is_a_cell_that_shows_what_it_is(text: str, shown: str) -> None:
    assert cell(text) == shown


def test_the_name_of_a_file_cannot_turn_the_table_around() -> None:
    cases = Cases()
    cases.add("ab" * 32, "file-unsigned", "It has no signature.", files=["\u202efdp.exe"])
    (row,) = worst(list(cases)).records
    assert row.data["what"] == r"\u202efdp.exe"


def test_what_looks_like_an_address_is_no_link() -> None:
    """In Markdown it would be one: to whatever a file calls itself, and to what is left of a masked contact."""
    cases = Cases()
    cases.add("ab" * 32, "parties-share-contact", "Reached at d…o@example.org.", files=["http://example.org/a.pdf"])
    shown = worst(list(cases))
    assert isinstance(shown, dg.TableMetadataValue)
    (row,) = shown.records
    assert (row.data["what"], row.data["message"]) == ("http://example.org/a.pdf", "Reached at d…o@example.org.")


def test_a_hash_does_not_push_the_words_out_of_sight() -> None:
    cases = Cases()
    cases.add("ab" * 32, "stored-file-changed", f"The object {'ab' * 32} now hashes to {'cd' * 32}.")
    (row,) = worst(list(cases)).records
    assert row.data["message"] == "The object abababababab… now hashes to cdcdcdcdcdcd…."
