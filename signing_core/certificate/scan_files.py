"""Scans files: photos in any format Pillow reads, HEIC, TIFFs and PDFs of many pages. Results come as they are known.

No file raises: one that cannot be opened, is too large or holds no code has a result that says so.
"""

from __future__ import annotations

import dataclasses
import errno
import io
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from PIL import Image

from signing_core.certificate.readers import ZxingReader
from signing_core.certificate.readers.zxing import MAX_PIXELS, SECONDS
from signing_core.certificate.registry import Registry
from signing_core.certificate.scan import Judge, ScanResult
from signing_core.errors import DocumentRefused, SealtrailError
from signing_core.trust import TrustStore

MAX_BYTES: Final = 256_000_000
MAX_PAGES: Final = 2_000
"""Pages of a PDF or TIFF that are looked at."""
_QUICK_DPI: Final = 150
_THOROUGH_DPI: Final = 220
_THOROUGH_PAGES: Final = 20
"""With no code in the whole file, so many of the last pages are looked at again, long and hard: a certificate is last."""
_FILE_SECONDS: Final = 30.0
"""Of processor time that a file's pages are looked at hard; the others are then looked at once, as they are."""


def scan_files(
    paths: Iterable[Path | str],
    *,
    trust: TrustStore | None = None,
    registry: Registry | None = None,
    language: str = "en",
) -> Iterator[ScanResult]:
    """One result for each code of each file, in order, and one with `found` false for a file without any."""
    judge = Judge(trust, registry=registry, language=language)
    for path in paths:
        yield from _scan_file(Path(path), judge)


def _scan_file(path: Path, judge: Judge) -> Iterator[ScanResult]:
    nothing = ScanResult(path=str(path))
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for without end
            raise OSError(errno.EINVAL, "not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        yield _with(nothing, judge, "file-unreadable", error.strerror or type(error).__name__)
        return
    if len(data) > MAX_BYTES:
        yield _with(nothing, judge, "too-many-bytes", f"{MAX_BYTES // 1_000_000} MB")
        return
    pages = _pdf if b"%PDF-" in data[:1024] else _picture
    try:
        anything = False
        for result in pages(data, str(path), judge):
            anything = anything or result.found
            yield result
        if not anything:
            yield _with(nothing, judge, "no-code")
    except _NotScanned as why:
        yield _with(nothing, judge, why.code, why.detail)


class _NotScanned(Exception):
    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def _with(result: ScanResult, judge: Judge, code: str, detail: str = "") -> ScanResult:
    return dataclasses.replace(result, findings=(*result.findings, judge.finding(code, detail)))


def _pdf(data: bytes, path: str, judge: Judge, seconds: float = _FILE_SECONDS) -> Iterator[ScanResult]:
    from signing_core.pdf import render

    try:
        pages = render.page_count(data)
        looked_at = range(1, min(pages, MAX_PAGES) + 1)
        anything = False
        for thorough, dpi, numbers in (
            (False, _QUICK_DPI, looked_at),
            (True, _THOROUGH_DPI, looked_at[-_THOROUGH_PAGES:]),
        ):
            readers = _readers(thorough, seconds)
            for page in reversed(numbers) if thorough else numbers:
                for code in next(readers).read(render.render(data, page, dpi=dpi)):
                    result = judge.code(code, path=path, page=page)
                    yield result if pages <= MAX_PAGES else _with(result, judge, "pages-left-out", str(MAX_PAGES))
                    anything = True
            if anything:
                return
    except DocumentRefused as refused:
        raise _NotScanned("pdf-encrypted" if refused.code == "password" else "pdf-damaged") from None
    except SealtrailError:
        raise _NotScanned("pdf-damaged") from None


def _picture(data: bytes, path: str, judge: Judge) -> Iterator[ScanResult]:
    readers = _readers()
    for page, picture in _frames(data):
        for code in next(readers).read(picture):
            yield judge.code(code, path=path, page=page)


def _readers(thorough: bool = True, seconds: float = _FILE_SECONDS) -> Iterator[ZxingReader]:
    """The reader for each page of a file by turns."""
    until = time.thread_time() + seconds
    while True:
        left = until - time.thread_time()
        yield ZxingReader(thorough=thorough and left > 0, seconds=min(left, SECONDS))


def _frames(data: bytes) -> Iterator[tuple[int | None, Image.Image]]:
    """The picture, or every page of a TIFF. The size is looked at before any pixel is decoded."""
    _register_heif()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of what is checked right below
        try:
            image = Image.open(io.BytesIO(data))
            frames = min(getattr(image, "n_frames", 1), MAX_PAGES) if image.format == "TIFF" else 1
            for number in range(frames):
                if number:
                    image.seek(number)
                if image.width * image.height > MAX_PIXELS:
                    raise _NotScanned("too-many-pixels", f"{image.width} x {image.height}")
                image.load()
                yield (number + 1 if frames > 1 else None), image
        except Image.DecompressionBombError:
            raise _NotScanned("too-many-pixels", f"> {MAX_PIXELS:,}") from None
        except (_NotScanned, GeneratorExit):
            raise
        except Exception:
            # Pillow's plug-ins raise nearly anything on damaged files: OSError, SyntaxError, struct.error, IndexError, ...
            raise _NotScanned("not-a-picture") from None


def _register_heif() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
