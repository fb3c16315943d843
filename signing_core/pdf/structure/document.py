"""The parsed file."""

from __future__ import annotations

from signing_core.pdf.structure.model import Finding, Limits, Revision, SignatureRecord, Span


class FileStructure:
    """A parsed file. Made by `parse`; everything costly is computed when first asked for and kept.

    Attributes:
        data: the file's bytes.
        revisions: tuple of `Revision`, oldest first; empty for a file that is no PDF.
        problems: findings about the file as a whole (damaged, over a limit, encrypted without password, ...).
        encrypted: whether the newest trailer has /Encrypt.
        readable: false when it is encrypted and no given password opens it, or a limit was hit: then nothing about
            changes or unlisted signatures can be concluded (`indeterminate`).
        damaged: true when cross-reference data had to be reconstructed: viewers may then disagree about the content.
        pages: number of pages in the newest revision, None when unknown.
        signatures: tuple of `SignatureRecord`, in signing order (by revision, then by position).
        unexplained: tuple of `Span`: bytes from the end of the first revision on that no revision accounts for, plus
            bytes before the header that are more than white space (`what` says which). For a signature only spans that
            start at or after the end of its ByteRange matter: `unexplained_after(offset)`.
    """

    data: bytes
    revisions: tuple[Revision, ...]
    problems: tuple[Finding, ...]
    encrypted: bool
    readable: bool
    damaged: bool
    pages: int | None
    signatures: tuple[SignatureRecord, ...]
    unexplained: tuple[Span, ...]

    def unexplained_after(self, offset: int) -> tuple[Span, ...]:
        """The unexplained spans that reach past `offset`."""
        raise NotImplementedError

    def revision_bytes(self, number: int) -> bytes:
        """The file as it was after that revision: for a signature's `covered_revision`, what the signer saw."""
        raise NotImplementedError


def parse(data: bytes, *, password: str | bytes | None = None, limits: Limits | None = None) -> FileStructure:
    """Parse `data`. Never raises for what the file contains: see `FileStructure.problems`."""
    raise NotImplementedError
