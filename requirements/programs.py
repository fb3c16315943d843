"""Installs the system programs that the checks use, where it may; says which checks are left out where it may not.

It may where it runs as root and Debian's apt-get is there. Standard library only: it runs before .venv is there.

    python requirements/programs.py            what the checks use
    python requirements/programs.py signers    what tests/other_signers signs with as well: large, and not needed for `make test`
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """Something the checks start or build with that no Python package brings."""

    package: str
    """Debian's name for what holds it."""
    present: Callable[[], bool]
    checks: str
    """What is left out without it."""


def _command(*names: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(name) for name in names)


def _file(pattern: str) -> Callable[[], bool]:
    return lambda: any(Path("/").glob(pattern))


_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

PROGRAMS = (
    Program("gcc", _command("cc", "gcc", "clang"), "everything: zbar-py is built from source"),
    Program(
        f"python{_VERSION}-dev",
        lambda: (Path(sysconfig.get_path("include")) / "Python.h").is_file(),
        "everything: zbar-py is built from source",
    ),
    Program("poppler-utils", _command("pdfsig"), "signatures judged by pdfsig, a second opinion"),
    Program("qpdf", _command("qpdf"), "the structure of our files checked by qpdf"),
    Program("mupdf-tools", _command("mutool"), "files read by MuPDF, a third opinion"),
    Program("ghostscript", _command("gs"), "files read by Ghostscript, a fourth opinion"),
    Program("openssl", _command("openssl"), "X.509 certificates, CRLs and time-stamps judged by OpenSSL"),
    Program("softhsm2", _command("softhsm2-util"), "keys on a PKCS#11 token"),
    Program("postgresql", _file("usr/lib/postgresql/*/bin/initdb"), "the same on PostgreSQL"),
    Program("golang-go", _command("go"), "checkpoints judged by the Go implementation of signed notes"),
    Program(
        "golang-golang-x-mod-dev",
        _file("usr/share/gocode/src/golang.org/x/mod"),
        "checkpoints judged by the Go implementation of signed notes",
    ),
    Program("libreoffice-writer-nogui", _command("soffice"), "texts of word processors set as pages"),
    Program("chromium", _command("chromium", "chromium-browser", "google-chrome"), "pages seen in a browser"),
)

_OTHER_SIGNERS = "files signed by other software (tests/other_signers)"
SIGNERS = (
    Program("libnss3-tools", _command("certutil"), f"{_OTHER_SIGNERS}: pdfsig"),
    Program("mupdf-tools", _command("mutool"), f"{_OTHER_SIGNERS}: mutool"),
    Program("libpodofo-utils", _command("podofosign"), f"{_OTHER_SIGNERS}: podofosign"),
    Program("default-jdk-headless", _command("javac"), f"{_OTHER_SIGNERS}: PDFBox and iText"),
    Program("libpdfbox2-java", _file("usr/share/java/pdfbox2.jar"), f"{_OTHER_SIGNERS}: PDFBox"),
    Program("libitext5-java", _file("usr/share/java/itext5.jar"), f"{_OTHER_SIGNERS}: iText"),
    Program("libbcprov-java", _file("usr/share/java/bcprov.jar"), f"{_OTHER_SIGNERS}: PDFBox and iText"),
    Program("libbcpkix-java", _file("usr/share/java/bcpkix.jar"), f"{_OTHER_SIGNERS}: PDFBox and iText"),
    Program("nodejs", _command("node"), f"{_OTHER_SIGNERS}: @signpdf and pdf-lib"),
    Program("npm", _command("npm"), f"{_OTHER_SIGNERS}: @signpdf and pdf-lib"),
)


def main(arguments: Sequence[str] = ()) -> int:
    programs = PROGRAMS + (SIGNERS if "signers" in arguments else ())
    missing = [program for program in programs if not program.present()]
    if missing and shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        _install([program.package for program in missing])
        missing = [program for program in missing if not program.present()]
    for program in missing:
        sys.stdout.write(
            f"Left out: {program.checks} ({program.package} is not installed; `sudo apt-get install {program.package}` brings it).\n"
        )
    sys.stdout.flush()
    return 0


def _install(packages: list[str]) -> None:
    """One package at a time after the first try, so that one that is not to be had does not take the others with it."""
    sys.stdout.write(f"Installing system programs for the checks: {', '.join(packages)} ...\n")
    sys.stdout.flush()
    _apt("update")
    if not _apt("install", *packages):
        for package in packages:
            _apt("install", package)


def _apt(command: str, *packages: str) -> bool:
    """Quiet, without questions, waiting for another apt-get to end; what it says names servers, so it is not shown."""
    options = ("-y", "-q", "--no-install-recommends") if packages else ("-q",)
    done = subprocess.run(  # noqa: S603
        ["apt-get", "-o", "DPkg::Lock::Timeout=300", *([command, *options, *packages])],  # noqa: S607
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
