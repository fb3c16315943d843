"""Typst, in process: the one place where pages, signature pictures and PDF reports are set.

Data goes in as JSON through ``sys.inputs.data`` and never becomes Typst source, so no name, title or contact can break
out of a layout. A template starts with::

    #let data = json(bytes(sys.inputs.data))

Fonts come from the installed ``fontpkg-*`` packages and, for Chinese, Japanese and Korean, from the extra
``sealtrail[cjk]``; fonts of the machine are never used, so that a page looks the same wherever it is set. Reading the
fonts takes some 30 ms, once for each process; a page after that 1 to 5 ms.
"""

from __future__ import annotations

import base64
import functools
import importlib.util
import json
import os
import re
import tempfile
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, cast

import fontpkg
import typst

from signing_core.errors import TypesettingFailed

CJK_PACKAGE = "noto_cjk_sans_otc"
"""The module of the distribution behind the extra `cjk`: Noto Sans CJK, one weight, all five regions."""

_SCRIPTS = (
    "Noto Sans",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
)
_ROOT = Path(__file__).resolve().parent

_SEARCHED = re.compile(r" \(searched at [^)]*\)")
"""Where on this machine a file was looked for is nobody's business."""

_per_thread = threading.local()
_used_by: set[int] = set()
"""The process that Typst's threads belong to: they do not outlive a fork, and a compiler in the child would wait for ever."""


def compile_pdf(
    template: str,
    data: Mapping[str, Any],
    *,
    created_at: datetime | None = None,
    standards: Sequence[str] = (),
    tagged: bool = False,
    foreign: bool = False,
) -> bytes:
    """Set `template` (Typst source) with `data` (anything JSON can hold) as a PDF.

    The same template, data and `created_at` (aware; the PDF's creation date) give the same bytes. `standards` are
    Typst's names, for example ``("a-2b",)`` for PDF/A-2b (ISO 19005-2). Untagged unless asked for, since a page that
    becomes a form XObject can keep no structure tree. `foreign`: the template is not ours, and finds no file and no package.
    Raises `TypesettingFailed`.
    """
    return _compile(
        template, data, format="pdf", created_at=created_at, standards=standards, tagged=tagged, foreign=foreign
    )


def compile_svg(template: str, data: Mapping[str, Any]) -> bytes:
    """Set a template of one page as SVG (UTF-8), all glyphs as outlines. Raises `TypesettingFailed`."""
    return _compile(template, data, format="svg")


def load_template(package: str, name: str) -> str:
    """The source of a template that lies beside the code, for example ``load_template("signing_core.certificate", "page.typ")``."""
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def picture(media_type: str, data: bytes) -> str:
    """A picture (`image/svg+xml` or `image/png`) as SVG text, to be passed as data and shown with ``image(bytes(data.picture), format: "svg")``.

    A PNG is wrapped whole, pixels and transparency untouched: Typst's inputs hold text only.
    """
    if media_type == "image/svg+xml":
        return data.decode("utf-8")
    if media_type != "image/png" or data[:8] != b"\x89PNG\r\n\x1a\n" or len(data) < 24:
        raise TypesettingFailed(f"A picture of type {media_type} cannot be set; give PNG or SVG.")
    width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    encoded = base64.b64encode(data).decode("ascii")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><image width="{width}" height="{height}" '
        f'xlink:href="data:image/png;base64,{encoded}"/></svg>'
    )


def text_families() -> list[str]:
    """The installed families for running text, in the order to try them: Latin, Greek and Cyrillic first, then other scripts."""
    return [family for family in _SCRIPTS if family in installed_families()]


def mono_families() -> list[str]:
    """The same for hashes, identifiers and addresses."""
    return [family for family in ("IBM Plex Mono", *_SCRIPTS) if family in installed_families()]


def display_families() -> list[str]:
    """The same for headings and titles, with serifs where the script has them."""
    return [family for family in ("Source Serif 4", *_SCRIPTS) if family in installed_families()]


@functools.cache
def installed_families() -> frozenset[str]:
    return frozenset(_fonts().families())


def unsupported(text: str) -> str:
    """The characters of `text` that no installed text family can draw, each once, in order: empty when all is well.

    Worth asking before a name is taken in, for what no font holds is drawn as an empty box.
    """
    covered = _coverage()
    return "".join(dict.fromkeys(c for c in text if ord(c) not in covered and not c.isspace()))


def cjk_installed() -> bool:
    """Whether the extra `cjk` is there."""
    return importlib.util.find_spec(CJK_PACKAGE) is not None


def font_files() -> list[Path]:
    """Every font file of the installed font packages, sorted."""
    files = {Path(str(file.path)) for family in fontpkg.families().values() for file in family.files}
    if (spec := importlib.util.find_spec(CJK_PACKAGE)) is not None and spec.origin is not None:
        files.update(Path(spec.origin).parent.glob("*.ttc"))
    return sorted(files)


@functools.cache
def _fonts() -> typst.Fonts:
    folders = sorted({str(file.parent) for file in font_files()})
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)


def _compiler(*, foreign: bool = False) -> typst.Compiler:
    """One compiler for each thread, since one cannot be shared while it works; the fonts are shared."""
    if _used_by and os.getpid() not in _used_by:
        raise TypesettingFailed(
            "A page cannot be typeset in a process forked from one that has typeset before; start workers with spawn or forkserver."
        )
    kept = "of_others" if foreign else "of_ours"
    compiler = getattr(_per_thread, kept, None)
    if compiler is None:
        compiler = _compiler_in_an_empty_root() if foreign else _compiler_in(_ROOT)
        setattr(_per_thread, kept, compiler)
        _used_by.add(os.getpid())
    return cast("typst.Compiler", compiler)


def _compiler_in_an_empty_root() -> typst.Compiler:
    """Its root, and the folders where packages would lie, are gone when it begins to work: nothing is found in them."""
    with tempfile.TemporaryDirectory() as folder:
        return _compiler_in(Path(folder), package_path=folder, package_cache_path=folder)


def _compiler_in(root: Path, **packages: Any) -> typst.Compiler:
    return typst.Compiler(font_paths=_fonts(), ignore_system_fonts=True, root=str(root), **packages)


def _compile(
    template: str,
    data: Mapping[str, Any],
    *,
    format: str,
    created_at: datetime | None = None,
    standards: Sequence[str] = (),
    tagged: bool = False,
    foreign: bool = False,
) -> bytes:
    options: dict[str, Any] = {"format": format, "sys_inputs": {"data": json.dumps(data, ensure_ascii=False)}}
    if format == "pdf":
        options |= {"pdf_tags": tagged, "timestamp": int(created_at.timestamp()) if created_at else 0}
        options["pdf_standards"] = list(standards)
    try:
        result = _compiler(foreign=foreign).compile(template.encode("utf-8"), **options)
    except typst.TypstError as error:
        # Diagnostics may quote the data; the message alone names the rule that was broken.
        message = _SEARCHED.sub("", error.message)
        raise TypesettingFailed(f"The page could not be typeset: {message}.") from None
    if not isinstance(result, bytes):
        raise TypesettingFailed("The page could not be typeset: the template gives more than the one page it must be.")
    return result


@functools.cache
def _coverage() -> frozenset[int]:
    from fontTools.ttLib import TTCollection, TTFont

    wanted = set(text_families())
    points: set[int] = set()
    for file in font_files():
        fonts = TTCollection(file, lazy=True).fonts if file.suffix == ".ttc" else [TTFont(file, lazy=True)]
        for font in fonts:
            if font["name"].getBestFamilyName() in wanted:
                points.update(font.getBestCmap())
    return frozenset(points)
