"""A comparison as a folder: the revisions as PDF, the pages that differ as pictures, and one page of HTML that shows both.

The HTML page loads nothing from elsewhere and runs no script; what came from the document stands in it as text only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image

from signing_core.display.tags import Html, element
from signing_core.errors import SealtrailError
from signing_core.verdict import DocumentVerdict, SignatureVerdict, rfc3339
from signing_core.verification.comparison.page import PageComparison
from signing_core.verification.comparison.states import Comparison, SignedState
from signing_core.verification.comparison.words import WORDS

INDEX: Final = "index.html"
_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 86rem; padding: 0 1rem; color: #1b1f24; background: #fff; }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .3rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .3rem; }
p { margin: .3rem 0; } .quiet { color: #57606a; overflow-wrap: anywhere; }
.none, .same { color: #116329; } .permitted, .later-signature { color: #0550ae; } .unknown { color: #7d4e00; }
.forbidden, .changed { color: #a40e26; }
.state { font-weight: 600; }
ul { margin: .3rem 0; padding-left: 1.2rem; }
.pages, .close { display: grid; grid-template-columns: repeat(3, 1fr); gap: .8rem; margin: .8rem 0; }
.close { grid-template-columns: 1fr 1fr; }
figure { margin: 0; } figcaption { font-size: .85rem; color: #57606a; }
img { border: 1px solid #d0d7de; display: block; }
.missing { border: 1px dashed #8c959f; padding: 3rem 1rem; text-align: center; color: #57606a; }
@media (max-width: 45rem) { .pages, .close { grid-template-columns: 1fr; } }
"""


def write(
    comparison: Comparison,
    folder: Path,
    *,
    name: str,
    language: str = "en",
    signatures: Sequence[SignatureVerdict] = (),
    verdict: DocumentVerdict | None = None,
) -> Path:
    """Write everything into `folder`, which is made, and return the HTML page.

    `signature-N.pdf` is the revision that signature N covers, byte for byte; `signature-N-page-P-before.png`, `-after.png` and
    `-difference.png` are its pages that differ, `-change-K-before.png` and `-change-K-after.png` the first changes enlarged. `verdict` adds who signed and what it was judged to be. Raises `OSError`.
    """
    say = WORDS[language]
    folder.mkdir(parents=True, exist_ok=True)
    judged = verdict.signatures if verdict is not None else signatures
    parts: list[object] = [element("h1", name)]
    if verdict is not None:
        integrity = element("span", say[str(verdict.integrity)], cls=f"state {_TONE[str(verdict.integrity)]}")
        parts.append(element("p", integrity, " · ", str(verdict.indication or say["unsigned"])))
        parts.append(element("p", f"SHA-256 {verdict.sha256} · {say['judged for']} {rfc3339(verdict.at)}", cls="quiet"))
    if not comparison.states:
        parts.append(element("p", say["nothing signed"]))
    for state in comparison.states:
        parts += _signature(comparison, state, judged[state.index] if state.index < len(judged) else None, folder, say)
    page = folder / INDEX
    page.write_text(_html(name, language, parts), "utf-8")
    return page


_TONE: Final = {"intact": "none", "altered": "forbidden", "indeterminate": "unknown", "unsigned": "permitted"}


def _html(title: str, language: str, parts: list[object]) -> str:
    head = element(
        "head",
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self' file:; "
            "style-src 'unsafe-inline'\">"
        ),
        element("title", title),
        Html(f"<style>{_STYLE}</style>"),
    )
    return f"<!doctype html>\n{element('html', head, element('body', *parts), lang=language)}\n"


def _signature(
    comparison: Comparison, state: SignedState, verdict: SignatureVerdict | None, folder: Path, say: dict[str, str]
) -> list[object]:
    number = state.index + 1
    record = state.record
    kind = say["time-stamp"] if record.kind == "document-timestamp" else say["signature"]
    names = ", ".join(record.fields) or say["no field"]
    parts: list[object] = [element("h2", f"{kind} {number}: {names}")]
    if verdict is not None and (verdict.signer or verdict.proven_time or verdict.claimed_time):
        time = verdict.proven_time or verdict.claimed_time
        when = f"{rfc3339(time)} ({say['proven' if verdict.proven_time else 'claimed']})" if time else ""
        parts.append(element("p", " · ".join(filter(None, (verdict.signer, when)))))
    if state.data is None:
        parts.append(element("p", say["no revision"], cls="state changed"))
        return parts
    file = folder / f"signature-{number}.pdf"
    file.write_bytes(state.data)
    link = element("a", file.name, href=file.name)
    size = say["bytes"].format(revision=state.revision, size=f"{len(state.data):,}".replace(",", " "))
    parts.append(element("p", link, f": {size}, SHA-256 {state.sha256}", cls="quiet"))
    parts.append(element("p", say[f"changes-{state.changes}"], cls=f"state {state.changes}"))
    parts += _listed(state, say)
    parts += _pages(comparison, state, folder, say)
    return parts


def _listed(state: SignedState, say: dict[str, str]) -> list[object]:
    """What the structure says: findings, then pages, fields and annotations that differ."""
    rows: list[object] = [element("li", f"{found.code}: {found.message}") for found in state.findings]
    if state.differing is not None:
        what = state.differing
        if what.pages_before != what.pages_after:
            rows.append(element("li", say["page count"].format(before=what.pages_before, after=what.pages_after)))
        for key, values in (("pages", what.pages), ("fields", what.fields), ("annotations", what.annotations)):
            if values:
                rows.append(element("li", f"{say[key]}: {', '.join(map(str, values))}"))
    return [element("ul", *rows)] if rows else []


def _pages(comparison: Comparison, state: SignedState, folder: Path, say: dict[str, str]) -> list[object]:
    parts: list[object] = []
    try:
        for page in comparison.pages(state):
            parts.append(
                element(
                    "h3", f"{say['page']} {page.page}: ", element("span", say[page.state], cls=f"state {page.state}")
                )
            )
            if page.state != "same":
                parts += _page(page, f"signature-{state.index + 1}-page-{page.page}", folder, say)
    except SealtrailError as error:
        parts.append(element("p", f"{say['not drawn']} {error}", cls="state unknown"))
    if not parts:
        parts.append(element("p", say["looks the same"]))
    if left_out := comparison.left_out(state):
        parts.append(element("p", say["left out"].format(pages=left_out), cls="quiet"))
    return parts


def _page(page: PageComparison, stem: str, folder: Path, say: dict[str, str]) -> list[object]:
    """What is to be said of a page that differs, its changes close up, then the whole of it."""
    parts: list[object] = []
    if page.resized is not None:
        before, after = page.resized
        parts.append(element("p", say["resized"].format(before=before, after=after), cls="state changed"))
    if page.turned:
        parts.append(element("p", say["turned"].format(degrees=page.turned), cls="state changed"))
    for key, words in (("words before", page.words_before), ("words after", page.words_after)):
        if words:
            parts.append(element("p", f"{say[key]}: {' '.join(words)}"))
    for change in page.close_ups:
        about = f"{say['page']} {page.page}, {say['change'].format(number=change.number)}"
        sides = (("before", change.before), ("after", change.after))
        parts.append(
            element("div", *_figures(sides, f"{stem}-change-{change.number}", about, folder, say), cls="close")
        )
    whole = (("before", page.before), ("after", page.after), ("difference", page.difference))
    parts.append(element("div", *_figures(whole, stem, f"{say['page']} {page.page}", folder, say), cls="pages"))
    return parts


def _figures(
    pictures: Sequence[tuple[str, Image.Image | None]], stem: str, about: str, folder: Path, say: dict[str, str]
) -> list[Html]:
    """Each as a file of its own and as a figure that shows it, all at one scale."""
    figures = []
    widest = max((picture.width for _, picture in pictures if picture is not None), default=1)
    for kind, picture in pictures:
        if picture is None:
            shown = element("div", say["no such page"], cls="missing")
        else:
            file = folder / f"{stem}-{kind}.png"
            picture.save(file)
            scale = f"width: {100 * picture.width / widest:.4g}%"
            image = element("img", src=file.name, alt=f"{about}: {say[kind]}", style=scale)
            shown = Html(str(image).removesuffix("</img>"))
        figures.append(element("figure", element("figcaption", f"{about}: {say[kind]}"), shown))
    return figures


def folder_name(path: str, index: int, total: int) -> str:
    """The folder for one of several documents: numbered, with what of its name is safe in a file name."""
    stem = re.sub(r"[^\w.-]+", "_", Path(path).stem)[:60].strip("._") or "document"
    return f"{index:0{len(str(total))}d}-{stem}"
