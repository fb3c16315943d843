"""A name becomes a signature whose every character is drawn, or is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing_core import typesetting
from signing_core.errors import MarkRefused, UsageError
from signing_core.marks import STYLES, from_name, readable, scripts

NAMES = {
    "plain": ("Erika Mustermann", "Caveat"),
    "vietnamese": ("Nguyễn Thị Ánh Dương", "Dancing Script"),
    "polish": ("Łukasz Żółciński-Dąbrowska", "Caveat"),
    "turkish": ("Şükrü Öğünç İleri", "Caveat"),
    "cyrillic": ("Иван Щербаков", "Caveat"),
    "arabic": ("محمد عبد الله", "Amiri"),
    "persian with a joiner": ("علی‌رضا حسینی", "Amiri"),
    "greek": ("Γιώργος Παπαδόπουλος", "EB Garamond"),
    "hebrew": ("דוד כהן", "Frank Ruhl Libre"),
    "devanagari": ("अनिता शर्मा", "Noto Sans"),
    "chinese": ("王小明", "Noto Sans CJK SC"),
    "japanese": ("山田ひろ子", "Noto Sans CJK JP"),
    "korean": ("김민준", "Noto Sans CJK KR"),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", [name for name, _ in NAMES.values()], ids=NAMES)
def test_every_script_is_drawn_as_outlines(name: str, style: str) -> None:
    mark = from_name(name, style)
    assert (mark.kind, mark.media_type) == ("name", "image/svg+xml")
    svg = mark.data.decode()
    assert svg.count("<use") >= len(re.findall(r"\w", name)) // 2, "ligatures may join letters, but not all of them"
    assert "<text" not in svg
    assert "<image" not in svg


@pytest.mark.parametrize(("name", "family"), NAMES.values(), ids=NAMES)
def test_a_name_is_set_in_one_font_that_has_all_of_it(name: str, family: str) -> None:
    text = scripts.tidy(name)
    assert scripts.runs(text, scripts.hand_families("caveat", text)) == [scripts.Run(text, family)]


def test_the_second_style_is_another_hand() -> None:
    assert from_name("Erika Mustermann", "dancing-script").data != from_name("Erika Mustermann", "caveat").data


def test_arabic_runs_from_right_to_left() -> None:
    """The first letter of the name is drawn at the right: alone and as the first of two words, it keeps its shape."""
    svg = from_name("دار زاد").data.decode()
    places = [float(x) for x in re.findall(r'<use[^>]* x="([\d.]+)"', svg)]
    glyphs = re.findall(r'<use xlink:href="#(\w+)"', svg)
    first_word_only = re.findall(r'<use xlink:href="#(\w+)"', from_name("دار").data.decode())
    ordered = [glyph for _, glyph in sorted(zip(places, glyphs, strict=True))]
    assert ordered[-3:] == first_word_only


def test_letters_of_no_common_font_are_mixed_by_word() -> None:
    text = "Мария Nguyễn"
    parts = scripts.runs(text, ["Caveat", "Dancing Script"])
    assert parts == [scripts.Run("Мария ", "Caveat"), scripts.Run("Nguyễn", "Dancing Script")]


def test_combining_marks_stay_with_their_letter() -> None:
    parts = scripts.runs("a\u0331b", ["Caveat", "Noto Sans"])
    assert parts == [scripts.Run("a\u0331b", "Noto Sans")]
    parts = scripts.runs("\u0431a\u0331b", ["Caveat", "Dancing Script"])
    assert parts == [
        scripts.Run("\u0431", "Caveat"),
        scripts.Run("a\u0331", "Dancing Script"),
        scripts.Run("b", "Caveat"),
    ]


@pytest.mark.parametrize("name", ["Zoë \U0001f642", "ꦗꦮ", "Anna \ue000 𓂀"])
def test_what_no_font_has_is_refused_and_never_a_box(name: str) -> None:
    with pytest.raises(MarkRefused, match=r"no installed font can draw \(U\+") as refused:
        from_name(name)
    assert refused.value.code == "unreadable-name"


def test_chinese_without_the_font_says_which_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    without = frozenset(family for family in typesetting.installed_families() if "CJK" not in family)
    monkeypatch.setattr(typesetting, "installed_families", lambda: without)
    monkeypatch.setattr(typesetting, "cjk_installed", lambda: False)
    scripts._coverage.cache_clear()
    try:
        with pytest.raises(MarkRefused, match=r"sealtrail\[cjk\]") as refused:
            from_name("王小明")
    finally:
        scripts._coverage.cache_clear()
    assert refused.value.code == "unreadable-name"


@pytest.mark.parametrize("name", ["", "   ", "\u200b\u202e", "-- . --", "\x00\x07"])
def test_a_name_without_letters_is_refused(name: str) -> None:
    with pytest.raises(MarkRefused) as refused:
        from_name(name)
    assert refused.value.code == "empty"


def test_a_name_too_long_to_be_read_is_refused() -> None:
    with pytest.raises(MarkRefused) as refused:
        from_name("Anna " * 40)
    assert refused.value.code == "too-large"


def test_a_long_name_is_set_in_several_lines() -> None:
    def aspect(name: str) -> float:
        box = re.search(rb'viewBox="0 0 ([\d.]+) ([\d.]+)"', from_name(name).data)
        assert box
        return float(box[1]) / float(box[2])

    one_line = aspect("Erika Mustermann") / len("Erika Mustermann")
    long = "Maria Theresia Walburga Amalia Christina von Sample-Musterhausen zu Beispielburg"
    assert aspect(long) < one_line * len(long) / 3


def test_direction_overrides_are_taken_out() -> None:
    assert readable("Anna\u202eSample\u2066") == "AnnaSample"
    assert readable("  Anna\t\nSample ") == "Anna Sample"
    assert readable("Nguye\u0302\u0303n") == "Nguyễn"


def test_an_unknown_style_is_a_wrong_call() -> None:
    with pytest.raises(UsageError, match="caveat, dancing-script"):
        from_name("Erika Mustermann", "comic")


def test_typst_source_in_a_name_stays_text() -> None:
    name = '#panic("x") $a$ *b* \\ "'
    assert from_name(name).data.startswith(b"<svg")


@given(st.text(max_size=60))
def test_any_text_is_a_mark_or_a_refusal(name: str) -> None:
    try:
        text = readable(name)
    except MarkRefused as refused:
        assert refused.code in ("empty", "too-large", "unreadable-name")
        return
    for style in STYLES:
        parts = scripts.runs(text, scripts.hand_families(style, text))
        assert parts is not None, "what is readable as text can be set as a signature"
        assert "".join(part.text for part in parts) == text
