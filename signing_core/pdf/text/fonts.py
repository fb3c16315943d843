"""From the codes in a content stream to characters (9.6 to 9.10)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.values import Stream, Value, integer
from signing_core.pdf.text.encodings import BASES, CODECS, SYMBOL, UNICODE_MAP, character_of, dingbat_encoding
from signing_core.pdf.text.operations import Unreadable
from signing_core.pdf.text.unicode_maps import MOST_ENTRIES, MOST_RANGE, to_unicode

if TYPE_CHECKING:
    from signing_core.pdf.text import glyph_shapes  # numpy and fontTools, which only embedded fonts need

_STANDARD_14: Final = re.compile(
    r"(?:Helvetica|Courier)(?:-(?:Bold)?(?:Oblique)?)?|Times-(?:Roman|Bold|Italic|BoldItalic)"
)
_PICTURES: Final = re.compile(r"(?i)dings|symbol|barcode|code ?(?:39|128)|emoji|icon")
"""Typefaces that are not embedded and whose letters are no letters."""
_SYMBOLIC: Final = 4
_MOST_PROGRAM: Final = 32_000_000
_HELVETICA: Final = (
    "278278355556556889667191333333389584278333278278556556556556556556556556556556278278584584584556"
    "1015667667722722667611778722278500667556833722778667778722667611722667944667667611278278278469556"
    "333556556500556556278556556222222500222833556556556556333500278556500722500500500334260334584"
)
_WIDTHS: Final = {chr(code): int(width) for code, width in enumerate(re.findall(r"1015|\d{3}", _HELVETICA), 32)}


@dataclass(frozen=True, slots=True)
class Letter:
    """What one code shows."""

    text: str
    width: float
    """How far it moves on, in units of the font size."""
    word: bool
    """A single byte 32: word spacing applies (9.3.3)."""
    sure: bool
    """It is what it is said to be: the font is not embedded, or the outline was compared."""


@dataclass(slots=True)
class Font:
    """A font dictionary, as far as it tells which characters it shows. Raises `Unreadable`."""

    structure: FileStructure
    revision: int
    entries: dict[str, Value]
    name: str = ""
    vertical: bool = False
    _texts: dict[int, str] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _widths: dict[int, float] = field(default_factory=dict)
    _width: float = 1.0
    _program: glyph_shapes.Program | None = None
    _below: dict[str, Value] = field(default_factory=dict)
    _codec: str | None = None
    _gids: bytes | None = None
    _mapped: frozenset[int] = frozenset()
    _flags: int = 0
    _letters: dict[int, Letter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kind = self._at(self.entries.get("Subtype"))
        self.name = re.sub(r"^[A-Z]{6}\+", "", str(self._at(self.entries.get("BaseFont"))))
        if kind == "Type0":
            self._composite()
        elif kind in ("Type1", "TrueType", "MMType1"):
            self._simple(str(kind))
        else:
            raise Unreadable("a font that draws its glyphs by content streams")

    @property
    def dingbats(self) -> bool:
        return self.name == "ZapfDingbats" and self._program is None

    def letters(self, codes: bytes) -> Iterator[Letter]:
        if self._codec is not None:
            try:
                decoded = codes.decode(self._codec)
            except UnicodeDecodeError:
                raise Unreadable("codes that the font's CMap does not have") from None
            yield from (
                Letter(c, 0.5 if c.isascii() and "HW" in self.name else self._width, False, True) for c in decoded
            )
            return
        wide = 2 if self._below else 1
        if len(codes) % wide:
            raise Unreadable("half a code")
        for at in range(0, len(codes), wide):
            code = int.from_bytes(codes[at : at + wide], "big")
            letter = self._letters.get(code)
            if letter is None:
                letter = self._letters[code] = self._letter(code, wide)
            yield letter

    def _at(self, value: Value) -> Value:
        return self.structure.resolve(value, self.revision)

    def _letter(self, code: int, wide: int) -> Letter:
        text = self._texts.get(code)
        if text is None:
            raise Unreadable(f"code {code} of font {self.name[:40]!r}, which stands for no known character")
        sure = self._program is None or self._compare(self._program, code, text)
        width = self._widths.get(code, self._width)
        if not self._widths and not self._below:
            scale = 1.08 if "Bold" in self.name else 0.95 if self.name.startswith("Times") else 1.0
            width = 0.6 if self.name.startswith("Courier") else _WIDTHS.get(text, 556) / 1000 * scale
        return Letter(text, width, wide == 1 and code == 32, sure)

    # -- simple fonts (9.6) -------------------------------------------------------------------------------------------

    def _simple(self, kind: str) -> None:
        descriptor = self._at(self.entries.get("FontDescriptor"))
        descriptor = descriptor if isinstance(descriptor, dict) else {}
        self._flags = integer(self._at(descriptor.get("Flags"))) or 0
        embedded = self._embedded(descriptor)
        encoding = self._at(self.entries.get("Encoding"))
        named = encoding if isinstance(encoding, str) else None
        differences: Value = None
        if isinstance(encoding, dict):
            named = self._at(encoding.get("BaseEncoding"))
            differences = self._at(encoding.get("Differences"))
        dingbats = self.name == "ZapfDingbats"
        if self.name in ("Symbol", "ZapfDingbats") and not embedded:
            base = dingbat_encoding() if dingbats else dict(enumerate(SYMBOL, 32))
        elif named in BASES:
            base = BASES[str(named)]()
        elif not embedded and _STANDARD_14.fullmatch(self.name):
            base = BASES["StandardEncoding"]()
        elif embedded or self._flags & _SYMBOLIC:
            base = {}
        else:  # what viewers agree on
            base = {
                code: c for code, c in BASES["StandardEncoding"]().items() if 32 < code < 127 and code not in (39, 96)
            } | {32: " "}
        if not embedded and _PICTURES.search(self.name) and self.name not in ("Symbol", "ZapfDingbats"):
            raise Unreadable("a font of pictures that is not embedded")
        self._texts = {code: c for code, c in base.items() if c != "\0"}
        if not embedded:
            self._texts |= dict.fromkeys((9, 10, 13), " ")  # line breaks that a program left in: drawn as nothing
        if self._program is not None and self._program.by_name:
            from fontTools import agl

            self._names = {code: agl.UV2AGL.get(ord(c), "") for code, c in base.items()}
        code = 0
        for item in differences if isinstance(differences, list) else ():
            item = self._at(item)
            if isinstance(item, int):
                code = item
            elif isinstance(item, str):
                self._names[code] = item
                self._texts.pop(code, None)
                if character := character_of(item, dingbats=dingbats):
                    self._texts[code] = character
                code += 1
        given = self._unicode_map(1)
        if embedded:
            self._texts.update(given)
        elif any(code in self._texts and _loose(c) != _loose(self._texts[code]) for code, c in given.items()):
            raise Unreadable("a font whose ToUnicode map contradicts its encoding")
        first = integer(self._at(self.entries.get("FirstChar"))) or 0
        widths = self._at(self.entries.get("Widths"))
        for index, width in enumerate(widths[:256] if isinstance(widths, list) else ()):
            self._widths[first + index] = _number(self._at(width)) / 1000
        if self._widths:
            self._width = _number(self._at(descriptor.get("MissingWidth"))) / 1000

    # -- composite fonts (9.7) ----------------------------------------------------------------------------------------

    def _composite(self) -> None:
        below = self._at(self.entries.get("DescendantFonts"))
        cid_font = self._at(below[0]) if isinstance(below, list) and below else None
        if not isinstance(cid_font, dict):
            raise Unreadable("a composite font without a descendant")
        self._below = cid_font
        descriptor = self._at(cid_font.get("FontDescriptor"))
        embedded = self._embedded(descriptor if isinstance(descriptor, dict) else {})
        encoding = self._at(self.entries.get("Encoding"))
        if not isinstance(encoding, str):
            raise Unreadable("a font with a CMap of its own")
        self.vertical = encoding.endswith("-V") or encoding == "V"
        width = self._at(cid_font.get("DW"))
        self._width = 1.0 if width is None else _number(width) / 1000
        if encoding not in ("Identity-H", "Identity-V"):
            name = encoding[:-2] if encoding.endswith(("-H", "-V")) else {"H": "JIS", "V": "JIS"}.get(encoding, "")
            unicode_map = UNICODE_MAP.fullmatch(name)
            self._codec = CODECS.get(unicode_map[1] if unicode_map else name)
            if self._codec is None or embedded:
                raise Unreadable(f"a font with the CMap {encoding[:40]!r}")
            return
        if not embedded:
            raise Unreadable("a font by glyph numbers that is not embedded")
        self._texts = self._unicode_map(2)
        self._widths = self._cid_widths(self._at(cid_font.get("W")))
        gids = self._at(cid_font.get("CIDToGIDMap"))
        if isinstance(gids, Stream):
            self._gids = self._decoded(gids) or b""

    def _cid_widths(self, array: Value) -> dict[int, float]:
        """/W (9.7.4.3)."""
        widths: dict[int, float] = {}
        items = [self._at(item) for item in array[:MOST_RANGE]] if isinstance(array, list) else []
        at = 0
        while at + 1 < len(items) and len(widths) < MOST_ENTRIES:
            first, second = integer(items[at]) or 0, items[at + 1]
            if isinstance(second, list):
                widths.update(
                    (first + step, _number(self._at(width)) / 1000) for step, width in enumerate(second[:MOST_RANGE])
                )
                at += 2
                continue
            last = min(integer(second) or 0, first + MOST_RANGE)
            width = _number(items[at + 2]) / 1000 if at + 2 < len(items) else 0.0
            widths.update(dict.fromkeys(range(first, last + 1), width))
            at += 3
        return widths

    # -- font programs ------------------------------------------------------------------------------------------------

    def _embedded(self, descriptor: dict[str, Value]) -> bool:
        files = [
            stream for key in ("FontFile2", "FontFile3") if isinstance(stream := self._at(descriptor.get(key)), Stream)
        ]
        if not files and self._at(descriptor.get("FontFile")) is None:
            return False
        data = self._decoded(files[0]) if len(files) == 1 and "FontFile" not in descriptor else None
        if data is None or len(data) > _MOST_PROGRAM:
            raise Unreadable("an embedded font whose glyphs cannot be looked at")
        from signing_core.pdf.text import glyph_shapes

        try:
            self._program = glyph_shapes.Program(data)
        except glyph_shapes.Unusable:
            raise Unreadable("an embedded font that is damaged or of an unknown kind") from None
        return True

    def _compare(self, program: glyph_shapes.Program, code: int, text: str) -> bool:
        """Look at every glyph that a viewer can take for the code: whether all of them are known to be the text."""
        from signing_core.pdf.text import glyph_shapes

        sure = True
        self.structure.budget.check()
        indices = self._indices(program, code, text)
        if not indices or 0 in indices:
            raise Unreadable(f"a font without a glyph for {text[:4]!r}")
        for index in indices:
            try:
                drawn = program.features(index)
            except glyph_shapes.Unusable:
                raise Unreadable("an embedded font with a glyph that cannot be read") from None
            if drawn is not None and (not text.strip() or _invisible(text)):
                raise Unreadable(f"a font that draws something for {text[:4]!r}")
            if drawn is None and text.strip() and not _invisible(text):
                raise Unreadable(f"a font whose glyph for {text[:4]!r} is empty")
            if len(text) > 1 and text not in _LIGATURES:
                raise Unreadable(f"a font with one glyph for {text[:8]!r}")
            verdict = glyph_shapes.looks_like(drawn, text) if drawn is not None and len(text) == 1 else None
            if verdict is False:
                raise Unreadable(f"a font that draws another character than {text[:4]!r} for it")
            if drawn is not None and verdict is None:
                if not all(unicodedata.category(c)[0] in "LM" for c in text):
                    raise Unreadable(f"an embedded font with a sign that cannot be compared ({text[:4]!r})")
                sure = False
        return sure

    def _indices(self, program: glyph_shapes.Program, code: int, text: str) -> set[int]:
        if self._below:
            if program.by_name and self._at(self._below.get("Subtype")) == "CIDFontType0":
                index = program.index_of(code)
            elif self._gids is not None:
                index = int.from_bytes(self._gids[2 * code : 2 * code + 2], "big")
            else:
                index = code
            return set() if index is None else {index}
        if program.by_name:
            name = self._names.get(code) or program.built_in(code) or ""
            index = program.named(name)
            return set() if index is None else {index}
        indices: set[int] = set()
        encoded = self._names.get(code)
        character = character_of(encoded) if encoded else text
        for (platform, kind), table in program.codes.items():
            keys = {code, 0xF000 | code} if (platform, kind) == (3, 0) else {code} if platform == 1 else set()
            if not self._flags & _SYMBOLIC or not keys:
                if (platform, kind) in ((3, 1), (3, 10)) or platform == 0:
                    keys = {ord(character)} if len(character) == 1 else set()
                elif platform == 1:
                    keys = set(character.encode("mac-roman", "ignore")[:1])
            indices |= {table[key] for key in keys if table.get(key)}
        return indices

    def _unicode_map(self, width: int) -> dict[int, str]:
        stream = self._at(self.entries.get("ToUnicode"))
        if not isinstance(stream, Stream):
            return {}
        return to_unicode(self._decoded(stream) or b"", width)

    def _decoded(self, stream: Stream) -> bytes | None:
        if not self.structure.decodes_alike(stream, self.revision):
            raise Unreadable("a part of a font that programs decode differently")
        return self.structure.decoded(stream, self.revision)


_LIGATURES: Final = frozenset({"ff", "fi", "fl", "ffi", "ffl", "ft", "st", "tt", "ti", "Th", "ij", "IJ", "fj"})


def _loose(text: str) -> str:
    return text.replace("\xa0", " ").replace("\xad", "-").replace("\u2010", "-").replace("\u2212", "-")


def _invisible(text: str) -> bool:
    """Characters that fonts draw as nothing or as something: soft hyphens, joiners, marks of direction."""
    return all(c in "\xad\u200b\u200c\u200d\u200e\u200f\ufeff" for c in text)


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6 else 0.0
