"""Whether a tool itself broke what was there: told by programs that share no code with ours.

Each criterion names what proves it. A file is damaged when one of them holds after a step and did not before.
"""

from __future__ import annotations

import io
import logging
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy
import pypdfium2
from pyhanko import keys as key_files
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.general import CMSExtractionError
from pyhanko.sign.validation import EmbeddedPdfSignature, validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko_certvalidator import ValidationContext

from .byte_ranges import byte_ranges
from .documents import COMMENT, Rect, slot
from .keys import Keys

SIGNED_BYTES: Final = "signed bytes were rewritten"
DIGEST: Final = "pdfsig or pyHanko finds a digest that does not fit"
LOST: Final = "pyHanko, which goes by the form, no longer finds an earlier signature"
UNREADABLE: Final = "pdfsig and pyHanko find fewer signatures than were made"
SAME_NAME: Final = "two signature fields of one name"
CONTENT: Final = "PDFium draws the page otherwise where nothing was to change"
STRUCTURE: Final = "qpdf --check finds an object that is written against the syntax"
CRITERIA: Final = (SIGNED_BYTES, DIGEST, LOST, UNREADABLE, SAME_NAME, CONTENT, STRUCTURE)
# What pyHanko thinks of later changes is in its answer; it need not be told on the terminal as well.
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)
_FILLED: Final = (240, 340, 460, 500)
"""Where the form fields stand on a document that has them."""


@dataclass(frozen=True)
class Opinion:
    """What others say of one file."""

    pdfsig: tuple[str, ...]
    """For each filled signature field `valid`, `digest` or what else it says."""
    pyhanko: tuple[str, ...]
    """For each: `valid`, `digest`, with its words for what was changed after, or the error alone."""
    names: tuple[str, ...]
    """Of all signature fields, as pyHanko finds them."""
    filled: tuple[str, ...]
    """Of those that are signed."""
    malformed: int
    """How often `qpdf --check` finds an object that is written against the syntax (7.3), or a key twice in one dictionary."""


@cache
def opinion(file: Path, keys: Keys) -> Opinion:
    """Asked once for each file of a run: chains share their beginnings."""
    names, filled, said = _pyhanko(file, keys)
    return Opinion(_pdfsig(file), said, names, filled, _qpdf(file))


def _pdfsig(file: Path) -> tuple[str, ...]:
    if not shutil.which("pdfsig"):
        return ()
    said = subprocess.run(["pdfsig", "-nocert", file], capture_output=True, check=False).stdout.decode(errors="replace")
    words = re.findall(r"Signature Validation: (.*)", said)
    return tuple(
        {"Signature is Valid.": "valid", "Digest Mismatch.": "digest"}.get(word.strip(), word.strip()) for word in words
    )


def _pyhanko(file: Path, keys: Keys) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    context = ValidationContext(trust_roots=[key_files.load_cert_from_pemder(str(keys.root))], allow_fetching=False)
    names: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    said = []
    try:
        reader = PdfFileReader(io.BytesIO(file.read_bytes()), strict=False)
        names = tuple(str(name) for name, _value, _field in enumerate_sig_fields(reader))
        filled = tuple(str(name) for name, _value, _field in enumerate_sig_fields(reader, filled_status=True))
        for embedded in reader.embedded_signatures:
            said.append(_validated(embedded, context))
    except Exception as error:
        # Whatever pyHanko cannot read is an answer as well.
        said.append(f"{type(error).__name__}: {error}"[:160])
    return names, filled, tuple(said)


def _validated(embedded: EmbeddedPdfSignature, context: ValidationContext) -> str:
    stamp = str(embedded.sig_object.get("/Type")) == "/DocTimeStamp"
    try:
        status = (validate_pdf_timestamp if stamp else validate_pdf_signature)(embedded, context)
    except (CMSExtractionError, SignatureValidationError) as error:
        return f"refused: {error}"[:160]
    word = "valid" if status.intact and status.valid else "digest"
    level = status.modification_level
    return f"{word}/{level.name.lower() if level is not None else 'unknown'}"


def _qpdf(file: Path) -> int:
    if not shutil.which("qpdf"):
        return 0
    said = subprocess.run(["qpdf", "--check", file], capture_output=True, check=False).stderr.decode(errors="replace")
    return len(re.findall(r"\(object \d+ \d+, offset \d+\)", said))


def criteria(before: Path, after: Path, opinions: tuple[Opinion, Opinion], signatures: int) -> list[str]:
    """What the step from one file to the other broke; `signatures` is how many there have to be after it."""
    old, new = opinions
    data, changed = before.read_bytes(), after.read_bytes()
    ranges = byte_ranges(data)
    found = []
    if ranges and changed[: ranges[-1].end] != data[: ranges[-1].end]:
        found.append(SIGNED_BYTES)
    if "digest" in new.pdfsig or any(word.startswith("digest") for word in new.pyhanko):
        found.append(DIGEST)
    if set(old.filled) - set(new.filled):
        found.append(LOST)
    if len(new.pdfsig) < signatures and len(new.filled) < signatures:
        found.append(UNREADABLE)
    if _twice(new.names) - _twice(old.names):
        found.append(SAME_NAME)
    if new.malformed > old.malformed:
        found.append(STRUCTURE)
    if ranges and _drawn_otherwise(data, changed):
        found.append(CONTENT)
    return found


def _twice(names: tuple[str, ...]) -> set[str]:
    return {name for name, count in Counter(names).items() if count > 1}


def _drawn_otherwise(before: bytes, after: bytes) -> bool:
    """Both pages at 72 dpi, without the places of signatures, comments and form fields."""
    return any(not numpy.array_equal(_page(before, number), _page(after, number)) for number in range(2))


def _page(data: bytes, number: int) -> numpy.ndarray:
    document = pypdfium2.PdfDocument(data)
    try:
        if document.get_formtype():
            document.init_forms()
        page = document[number]
        picture = page.render(scale=1).to_numpy().copy()
        height = picture.shape[0]
        if number == 0:
            for place in (slot(0), slot(1), COMMENT, _FILLED):
                _blank(picture, height, place)
        return picture
    finally:
        document.close()


def _blank(picture: numpy.ndarray, height: int, place: Rect) -> None:
    left, bottom, right, top = place
    picture[max(0, height - top - 3) : height - bottom + 3, max(0, left - 3) : right + 3] = 255
