"""What a PDF was made from: kept in the log, told to the author."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

_FORMATS: Final = {
    "jpeg": "JPEG",
    "png": "PNG",
    "tiff": "TIFF",
    "webp": "WebP",
    "heic": "HEIC",
    "docx": "Word (DOCX)",
    "doc": "Word (DOC)",
    "odt": "OpenDocument (ODT)",
    "rtf": "RTF",
}
_TEXTS: Final = ("docx", "doc", "odt", "rtf")


@dataclass(frozen=True, slots=True)
class Original:
    """A file as it was given."""

    name: str | None
    """None where it was erased."""
    format: str
    """`jpeg`, `png`, `tiff`, `webp`, `heic`, `docx`, `doc`, `odt` or `rtf`."""
    length: int
    sha256: str


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """`program`, with its version, made the pages of `files`."""

    program: str
    files: tuple[Original, ...]
    linked: bool = False
    """The text links to pictures or parts that are not in it; nothing was fetched, so the pages do not show them."""

    @property
    def code(self) -> str:
        """`text` or `pictures`."""
        return "text" if self.files[0].format in _TEXTS else "pictures"

    def sentence(self, language: str) -> str:
        """What the author is told, in `de` or else in English."""
        formats, files = ", ".join(dict.fromkeys(_FORMATS[file.format] for file in self.files)), len(self.files)
        if self.code == "text":
            if language == "de":
                missing = " Was nur verknüpft ist, etwa Bilder, zeigen sie nicht." if self.linked else ""
                return f"Aus {formats} umgewandelt von {self.program}; es gilt, was die Seiten zeigen.{missing}"
            missing = " What is only linked, such as pictures, they do not show." if self.linked else ""
            return f"Converted from {formats} by {self.program}; what counts is what the pages show.{missing}"
        if language == "de":
            return f"Die Seiten sind aus {'einem Bild' if files == 1 else f'{files} Bildern'} gemacht ({formats})."
        return f"Its pages are made from {'a picture' if files == 1 else f'{files} pictures'} ({formats})."

    def to_json(self) -> dict[str, Any]:
        """Without the names, which are personal data."""
        files = [{"format": file.format, "length": file.length, "sha256": file.sha256} for file in self.files]
        return {"program": self.program, "files": files, "linked": self.linked}

    @classmethod
    def from_json(cls, value: dict[str, Any], names: list[str] | None) -> MadeFrom:
        given = names if names is not None and len(names) == len(value["files"]) else [None] * len(value["files"])
        files = (Original(name, **file) for name, file in zip(given, value["files"], strict=True))
        return cls(value["program"], tuple(files), value["linked"])
