"""What nobody sees, or no font holds, is written out, and the report's PDF comes whatever stands in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from signing_core import typesetting
from signing_core.bulk.legible import drawable, printable, throughout

SAID = "#let data = json(bytes(sys.inputs.data))\n#set text(font: data.fonts)\n#data.text #text(font: data.mono)[#data.text]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Vertrag Müller 王小明.pdf", "Vertrag Müller 王小明.pdf"),
        ("\u202efdp.exe", r"\u202efdp.exe"),
        ("new\nline", r"new\nline"),
        ("a\x01\x1b[31mb", r"a\x01\x1b[31mb"),
        ("not\udcffUTF-8", r"not\udcffUTF-8"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
    ],
)
def test_what_nobody_sees_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "a\x01",
        "a\x1c",
        "a\x7f",
        "\u1680",
        "\ue000",
        "\ufffe",
        "\udcff",
        "\U0001f600",
        "\U00013000",
        "ไทย",
        "王",
        "\u202e",
    ],
)
def test_a_page_of_pdf_a_takes_every_drawable_text(text: str) -> None:
    data = {"text": drawable(text), "fonts": typesetting.text_families(), "mono": typesetting.mono_families()}
    made = typesetting.compile_pdf(SAID, data, created_at=datetime(2026, 1, 1, tzinfo=UTC), standards=("a-2b",))
    assert made.startswith(b"%PDF")


def test_a_text_that_can_be_drawn_is_left_as_it_is() -> None:
    assert drawable("Vertrag Müller, 1\u00a0850 €, Ωж") == "Vertrag Müller, 1\u00a0850 €, Ωж"
    assert drawable("\U0001f600.pdf") == r"\U0001f600.pdf"


def test_every_text_in_a_content_is_reached_and_nothing_else() -> None:
    content = {"cases": [{"files": ("a\n", "b"), "pieces": [["\u202e", True]], "left": 3, "at": None}]}
    shown = throughout(printable, content)
    assert json.loads(json.dumps(shown)) == {
        "cases": [{"files": [r"a\n", "b"], "pieces": [[r"\u202e", True]], "left": 3, "at": None}]
    }
