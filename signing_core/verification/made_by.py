"""What a verdict was made by: the code that judges, and the libraries it works with. Both change without a new version number."""

from __future__ import annotations

import hashlib
import importlib.metadata
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final


@cache
def code_version(*packages: str) -> str:
    """Changes with every line of the code of these packages and modules (`dates.py`); without any, of the code that judges a document."""
    import signing_core

    base = Path(signing_core.__file__).parent
    files: list[Path] = []
    for package in ("policy", "verdict", *(packages or ("certificate", "pdf", "verification"))):
        place = base / package
        files += [place] if package.endswith(".py") else sorted(place.rglob("*.py"))
    content = b"".join(file.relative_to(base).as_posix().encode() + b"\0" + file.read_bytes() for file in files)
    return hashlib.sha256(content).hexdigest()[:16]


LIBRARIES: Final = (
    "asn1crypto",
    "cbor2",
    "cryptography",
    "fontpkg",
    "fonttools",
    "lxml",
    "numpy",
    "pillow",
    "pillow-heif",
    "pyhanko",
    "pyhanko-certvalidator",
    "pypdf",
    "pypdfium2",
    "qrcode",
    "signxml",
    "zbar-py",
    "zxing-cpp",
)
"""What the code that judges a document works with."""


@cache
def library_versions() -> str:
    """Changes with the installed version of each of them: what a validator said before its security update is asked again."""
    installed = []
    for name in LIBRARIES:
        with suppress(importlib.metadata.PackageNotFoundError):  # some are of an extra
            installed.append(f"{name} {importlib.metadata.version(name)}")
    return hashlib.sha256("\n".join(installed).encode()).hexdigest()[:16]
