"""The process that opens foreign files, and nothing else: it has no key, no database, no network of ours.

Its memory is limited and it cannot write files; its parent ends it when it takes too long. It speaks JSON over one socket:
what it answers is data, never code. What a verification must know of the workspace (is this file registered?) it asks its
parent for.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import mmap
import os
import pickle
import resource
import socket
import struct
import sys
from datetime import datetime
from typing import Any, Final

from signing_core.limited import limits
from signing_core.limited.channel import exactly
from signing_core.verification.worker_processes import memory_for, seconds_for

MEMORY: Final = 2 << 30
"""Bytes of address space for one job, on top of what libraries and fonts map."""
MOST_SECONDS: Final = 60.0
"""Of processor time for one job."""
MAX_SCANNED_PAGES: Final = 20
LONGEST_MESSAGE: Final = 96 << 20


def send(channel: socket.socket, value: dict[str, Any], descriptor: int | None = None) -> None:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    head = struct.pack(">I", len(body))
    if descriptor is None:
        channel.sendall(head + body)
    else:
        socket.send_fds(channel, [head], [descriptor])
        channel.sendall(body)


def receive(channel: socket.socket) -> tuple[dict[str, Any], int | None]:
    """Raises `EOFError` when the other side is gone."""
    head, descriptors, _, _ = socket.recv_fds(channel, 4, 1)
    head += exactly(channel, 4 - len(head)) if head else b""
    if not head:
        raise EOFError
    (length,) = struct.unpack(">I", head)
    if length > LONGEST_MESSAGE:
        raise EOFError
    value = json.loads(exactly(channel, length).decode("utf-8", "surrogatepass"))
    return value, descriptors[0] if descriptors else None


class _Asked:
    """Registry and audit log of the workspace, asked for through the parent."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def lookup(self, sha256: str, document_id: str | None) -> Any:
        return self._ask("registry", sha256, document_id)

    def inclusion(self, document_id: str, sha256: str) -> Any:
        return self._ask("log", sha256, document_id)

    def ended(self, document_id: str) -> Any:
        return self._ask("ended", "", document_id)

    def _ask(self, about: str, sha256: str, document_id: str | None) -> Any:
        send(self._channel, {"ask": about, "sha256": sha256, "document_id": document_id})
        return receive(self._channel)[0]["answer"]


class Worker:
    def __init__(self, channel: socket.socket, trust: Any) -> None:
        self._channel = channel
        self._trust = trust

    def serve(self) -> None:
        send(self._channel, {"ready": True})
        while True:
            job, descriptor = receive(self._channel)
            data: bytes | mmap.mmap = b""
            try:
                if descriptor is not None:
                    size = os.fstat(descriptor).st_size
                    data = mmap.mmap(descriptor, size, access=mmap.ACCESS_READ)[:] if size else b""
                    os.close(descriptor)
                seconds = seconds_for(len(data), MOST_SECONDS) if b"%PDF-" in data[:1024] else MOST_SECONDS
                limits.limit_processor_time(seconds)
                limits.limit_memory(memory_for(len(data), MEMORY))
                answer = {"result": self._do(job, bytes(data))}
            except MemoryError:
                answer = {"failed": "memory"}
            except Exception as error:
                from signing_core.errors import DocumentRefused, MarkRefused

                code = error.code if isinstance(error, DocumentRefused | MarkRefused) else None
                answer = {"failed": type(error).__name__, "code": code, "message": str(error)[:500]}
            del data
            send(self._channel, answer)

    def _do(self, job: dict[str, Any], data: bytes) -> Any:
        match job["do"]:
            case "examine":
                return self._examine(data, job)
            case "verify":
                return self._verify(data, job).to_json()
            case "codes":
                return [] if b"%PDF-" in data[:1024] else self._codes(data)[0]
            case "mark":
                from signing_core import marks

                mark = marks.stamp(data) if job["kind"] == "stamp" else marks.uploaded(data)
                return {"kind": mark.kind, "media_type": mark.media_type, "data": base64.b64encode(mark.data).decode()}
            case "page":
                return self._page(data, job["page"], job["dpi"])
            case "text":
                return self._text(data, job["pages"])
            case other:
                raise ValueError(f"no such work: {other}")

    def _examine(self, data: bytes, job: dict[str, Any]) -> dict[str, Any]:
        """A PDF's verdict, or the QR codes of a picture or an unsigned scan; whether it begins with a given signed prefix."""
        import hashlib

        prefix = job.get("prefix_length")
        answer: dict[str, Any] = {
            "prefix_sha256": hashlib.sha256(memoryview(data)[:prefix]).hexdigest()
            if prefix and len(data) >= prefix
            else None,
            "verdict": None,
            "codes": [],
            "why": None,
        }
        if b"%PDF-" in data[:1024]:
            verdict = self._verify(data, job)
            answer["verdict"] = verdict.to_json()
            if verdict.integrity == "unsigned":
                answer["codes"], _ = self._codes(data)
        else:
            answer["codes"], answer["why"] = self._codes(data)
        return answer

    def _verify(self, data: bytes, job: dict[str, Any]) -> Any:
        from signing_core.verification import WorkspaceContext, verify

        asked = _Asked(self._channel)
        context = WorkspaceContext(self._trust, asked, asked)
        return verify(data, at=datetime.fromisoformat(job["at"]), workspace_context=context)

    def _codes(self, data: bytes) -> tuple[list[dict[str, Any]], str | None]:
        from signing_core.certificate import scan_files
        from signing_core.certificate.scan import Judge

        judge, codes, why = Judge(), [], None
        try:
            if b"%PDF-" in data[:1024]:
                results = scan_files._pdf(data, "", judge, seconds_for(len(data), MOST_SECONDS) / 2)
            else:
                results = scan_files._picture(data, "", judge)
            for result in results:
                codes.append({"text": result.text, "page": result.page, "ours": result.ours})
                if len(codes) >= MAX_SCANNED_PAGES:
                    break
        except scan_files._NotScanned as error:
            why = error.code
        return codes, why

    def _page(self, data: bytes, page: int, dpi: float) -> dict[str, Any]:
        from signing_core.pdf import render

        picture, written = render.render(data, page, dpi=dpi), io.BytesIO()
        picture.save(written, "WEBP", quality=72, method=4)
        return {
            "data": base64.b64encode(written.getvalue()).decode(),
            "width": picture.width,
            "height": picture.height,
        }

    def _text(self, data: bytes, pages: list[int]) -> list[str]:
        from signing_core.pdf import render

        texts = []
        with render.opened(data) as document:
            for number in pages:
                texts.append(document[number - 1].get_textpage().get_text_bounded()[:20_000])
        return texts


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    os.nice(int(sys.argv[2]))
    trust = pickle.loads(base64.b64decode(receive(channel)[0]["trust"]))  # noqa: S301  from the parent, at the start
    import signing_core.certificate.scan_files
    import signing_core.marks
    import signing_core.pdf.render
    import signing_core.verification.document  # noqa: F401

    for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (0, 0))
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        Worker(channel, trust).serve()


if __name__ == "__main__":
    main()
