"""What a browser sends in a form: text fields, and files that go into anonymous memory as they come.

A file lies there (`memfd_create`, or an unlinked temporary file where the system has none) until it is handed to a worker
process; nothing in this process looks at its bytes, and nothing of it is written to a disk.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

MEGABYTE: Final = 1_000_000
MAX_FIELDS: Final = 4 * MEGABYTE
"""All text fields of a form together: a drawing has up to 20,000 points, a confirmed picture rides along sealed."""
MAX_PARTS: Final = 40


class UploadRefused(Exception):
    """`problem` names the page to show."""

    def __init__(self, problem: str, status: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status


@dataclass
class File:
    """A file in anonymous memory."""

    descriptor: int
    name: str = field(repr=False)
    size: int = 0

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


@dataclass
class Form:
    fields: dict[str, str] = field(default_factory=dict, repr=False)
    files: dict[str, File] = field(default_factory=dict)
    """Those with content, by field name."""
    caller: str = ""
    """Who sent it, as `rates.group` names callers."""

    def get(self, name: str) -> str:
        return self.fields.get(name, "")

    def close(self) -> None:
        for file in self.files.values():
            file.close()


def sink_for(request: Request, form: Form, max_file: int) -> _Multipart | _Encoded | _Raw:
    """What takes the body of a request, piece by piece; it fills `form`, whose files are at most `max_file` bytes each."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind == b"multipart/form-data" and options.get(b"boundary"):
        return _Multipart(form, options[b"boundary"], max_file)
    if kind == b"application/x-www-form-urlencoded":
        return _Encoded(form)
    if kind in (b"application/pdf", b"application/octet-stream"):
        return _Raw(form, max_file)
    raise UploadRefused("media-type", 415)


class _Raw:
    """The body is the file."""

    def __init__(self, form: Form, max_file: int) -> None:
        self._file = form.files["file"] = File(_anonymous_file(), "")
        self._max_file = max_file

    def write(self, chunk: bytes) -> None:
        _append(self._file, chunk, self._max_file)

    def finish(self) -> None:
        pass


class _Encoded:
    def __init__(self, form: Form) -> None:
        self._form, self._body = form, bytearray()

    def write(self, chunk: bytes) -> None:
        self._body += chunk
        if len(self._body) > MAX_FIELDS:
            raise UploadRefused("too-large", 413)

    def finish(self) -> None:
        try:
            pairs = parse_qsl(
                self._body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARTS
            )
        except ValueError:
            raise UploadRefused("malformed", 400) from None
        self._form.fields.update(pairs)


class _Multipart:
    def __init__(self, form: Form, boundary: bytes, max_file: int) -> None:
        self._form, self._max_file, self._left, self._parts = form, max_file, MAX_FIELDS, 0
        self._header, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._text = bytearray()
        self._name, self._ended = "", False
        self._file: File | None = None
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers,
                "on_part_data": self._on_data,
                "on_part_end": self._on_end,
                "on_end": self._on_finish,
            },
        )

    def write(self, chunk: bytes) -> None:
        self._parser.write(chunk)

    def finish(self) -> None:
        self._parser.finalize()
        if not self._ended:
            raise UploadRefused("malformed", 400)

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise UploadRefused("malformed", 400)
        self._header, self._value, self._headers, self._text, self._file = b"", b"", {}, bytearray(), None

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode()
        if b"filename" in options:
            if self._name in self._form.files:
                raise UploadRefused("malformed", 400)
            name = options[b"filename"].decode("utf-8", "replace")[:200]
            self._file = File(_anonymous_file(), name)

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            _append(self._file, data[start:end], self._max_file)
            return
        self._left -= end - start
        if self._left < 0:
            raise UploadRefused("too-large", 413)
        self._text += data[start:end]

    def _on_end(self) -> None:
        if self._file is None:
            self._form.fields[self._name] = self._text.decode()
        elif self._file.size:
            self._form.files[self._name] = self._file
            self._file = None
        else:
            self._file.close()

    def _on_finish(self) -> None:
        self._ended = True

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()


def _append(file: File, chunk: bytes, most: int) -> None:
    file.size += len(chunk)
    if file.size > most:
        raise UploadRefused("too-large", 413)
    view = memoryview(chunk)
    while view:
        view = view[os.write(file.descriptor, view) :]


@contextmanager
def memory_file(data: bytes) -> Iterator[int]:
    """`data` in anonymous memory, to hand to a worker."""
    descriptor = _anonymous_file()
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        yield descriptor
    finally:
        os.close(descriptor)


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("upload", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
