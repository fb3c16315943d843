"""LibreOffice, started in a limited process of its own, sets a text as a PDF.

It has a new profile in the process's private folder, in which nothing runs and nothing is fetched, besides that the process has no
network. It reads its own program and fonts, the document, and where the system can fence it in (`limited.fence`) nothing else.
Measured with LibreOffice 7.4: the profile alone keeps macros, remote pictures, sections, objects and fields out of all four formats,
but a local picture that an RTF names is shown; so RTF is taken only within the fence.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any, Final

from signing_core.errors import DocumentRefused
from signing_core.limited import fence, worker
from signing_core.pdf.conversion import texts

_FILTERS: Final = {"docx": "MS Word 2007 XML", "doc": "MS Word 97", "odt": "writer8", "rtf": "Rich Text Format"}
"""Named, so that no other reader of LibreOffice's ever sees the file."""
_PLACES: Final = ("/Applications/LibreOffice.app/Contents/MacOS/soffice",)
_READABLE: Final = tuple(
    Path(place)
    for place in (
        "/usr", "/bin", "/lib", "/lib64", "/opt", "/etc/fonts", "/etc/locale.alias", "/etc/libreoffice", "/etc/ld.so.cache", "/etc/passwd",
        "/etc/nsswitch.conf", "/etc/localtime", "/var/lib/libreoffice", "/var/spool/libreoffice", "/var/cache/fontconfig", "/proc/self", "/proc/mounts", "/dev/urandom",
    )
)  # fmt: skip
_SETTINGS: Final[dict[str, dict[str, str | int]]] = {
    "Office.Common/Security/Scripting": {
        "MacroSecurityLevel": 3,
        "DisableMacrosExecution": "true",
        "BlockUntrustedRefererLinks": "true",
    },
    "Office.Writer/Content/Update": {"Link": 0, "Field": "false", "Chart": "false"},
    "Office.Java/VirtualMachine": {"Enable": "false"},
    "Inet/Settings": {"ooInetProxyType": 2, "ooInetHTTPProxyName": "127.0.0.1", "ooInetHTTPProxyPort": 9,
                      "ooInetHTTPSProxyName": "127.0.0.1", "ooInetHTTPSProxyPort": 9, "ooInetNoProxy": ""},
    "Office.Common/Filter/PDF/Export": {"UseTaggedPDF": "true", "ExportNotes": "false", "ExportBookmarks": "true"},
}  # fmt: skip
_OUTPUT: Final = 1 << 16


def installed() -> Path | None:
    """LibreOffice's program."""
    found = shutil.which("soffice") or shutil.which("libreoffice")
    places = (Path(place) for place in (found, *_PLACES) if place)
    started = next((place.resolve() for place in places if place.exists()), None)
    if started is None:
        return None
    itself = started.with_name("soffice.bin")  # what the shell script and its splash screen come to
    return itself if itself.exists() else started


def to_pdf(data: bytes, name: str, form: bool) -> dict[str, Any]:
    """The PDF, with the text's `format`, the `program`, and whether something `linked` is not in it; with `form`, its controls become form fields. Raises `DocumentRefused`."""
    format = texts.format_of(data, name)
    program = installed()
    if program is None:
        raise DocumentRefused(
            f"{name} is a text, and there is no LibreOffice here that could make its pages; in Word, choose File > Save As > PDF "
            "(Datei > Speichern unter > PDF), in LibreOffice File > Export As > PDF, and take that.",
            code="no-converter",
        )
    if format == "rtf" and not fence.version():
        raise DocumentRefused(
            f"{name} is RTF, which can show files of this machine; save it as DOCX or PDF and take that.", code="format"
        )
    pdf = _set(program, data, format, form=form)
    if pdf is None:
        raise DocumentRefused(
            f"{name} could not be set by LibreOffice: it is damaged, protected or too large; save it as PDF with the program that made it, and take "
            "that.",
            code="damaged",
        )
    return {"pdf": pdf, "format": format, "program": _version(program), "linked": texts.links(data, format)}


def _set(program: Path, data: bytes, format: str, *, form: bool) -> bytes | None:
    folder = worker.folder()
    profile, document, made = folder / "profile", folder / f"document.{format}", folder / "document.pdf"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(_profile(form=form), "utf-8")
    document.write_bytes(data)
    # The first start makes the profile, and ends; asked for work, it would end as well (status 81) and want to be started again.
    _run(program, profile, "--terminate_after_init")
    _run(
        program, profile, f"--infilter={_FILTERS[format]}", "--convert-to", "pdf:writer_pdf_Export",
        "--outdir", str(folder), str(document),
    )  # fmt: skip
    return made.read_bytes() if made.is_file() else None


def _run(program: Path, profile: Path, *arguments: str) -> bytes | None:
    plain = ("--headless", "--norestore", "--nologo", "--nodefault", "--nolockcheck", "--nofirststartwizard")
    command = [str(program), f"-env:UserInstallation={profile.as_uri()}", *plain, *arguments]
    try:
        return worker.run(command, b"", answer=_OUTPUT, readable=[*_READABLE, program.parent.parent])
    finally:  # the fence lets LibreOffice make the socket that it wants to be called by, and not take it away
        digest = hashlib.md5(profile.as_uri().encode("utf-16-le"), usedforsecurity=False).digest()
        called = "".join(f"{byte:x}" for byte in digest)
        for socket in Path("/tmp").glob(f"OSL_PIPE_*_{called}"):  # noqa: S108
            socket.unlink(missing_ok=True)


def _version(program: Path) -> str:
    said = _run(program, worker.folder() / "profile", "--version") or b""
    return " ".join(said.decode("utf-8", "replace").split()[:2]) or "LibreOffice"


def _profile(*, form: bool) -> str:
    settings = {path: dict(values) for path, values in _SETTINGS.items()}
    settings["Office.Common/Filter/PDF/Export"]["ExportFormFields"] = "true" if form else "false"
    items = (
        f'<item oor:path="/org.openoffice.{path}"><prop oor:name="{key}" oor:op="fuse"><value>{value}</value></prop></item>'
        for path, values in settings.items()
        for key, value in values.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
        f"{''.join(items)}</oor:items>"
    )
