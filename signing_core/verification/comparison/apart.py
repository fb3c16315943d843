"""A comparison in a process of its own, under limits of processor time and memory: what is drawn may come from anybody."""

from __future__ import annotations

import signal
from multiprocessing.connection import Connection
from pathlib import Path

from signing_core.verdict import DocumentVerdict
from signing_core.verification.batch import Limits
from signing_core.verification.comparison import files
from signing_core.verification.comparison.states import compare
from signing_core.verification.worker_pool import patience
from signing_core.verification.worker_processes import limit, process_context, seconds_for, size_of


def write_apart(
    path: str,
    folder: Path,
    verdict: DocumentVerdict,
    *,
    limits: Limits,
    password: str | None = None,
    language: str = "en",
) -> str | None:
    """`files.write` for the file at `path`; why there is no comparison, None when there is one."""
    seconds = seconds_for(size_of(path), limits.seconds)
    context = process_context()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(  # type: ignore[attr-defined]
        target=_work, args=(theirs, path, folder, verdict, password, language, limits), daemon=True
    )
    process.start()
    theirs.close()
    try:
        if not ours.poll(patience(seconds)):
            return "it did not come to an end"
        answer: str | None = ours.recv()
    except (EOFError, OSError):
        process.join(1.0)
        if process.exitcode == -signal.SIGXCPU:
            return f"it took more than {seconds:g} seconds of processor time"
        return "its process ended without an answer"
    else:
        return answer
    finally:
        process.kill()
        process.join()
        ours.close()


def _work(
    answer: Connection,
    path: str,
    folder: Path,
    verdict: DocumentVerdict,
    password: str | None,
    language: str,
    limits: Limits,
) -> None:
    limit(size_of(path), limits.seconds, limits.memory)
    try:
        files.write(
            compare(Path(path).read_bytes(), password=password),
            folder,
            name=Path(path).name,
            language=language,
            verdict=verdict,
        )
    except OSError as error:
        answer.send(error.strerror or type(error).__name__)
    except Exception as error:
        answer.send(f"an unexpected {type(error).__name__}")
    else:
        answer.send(None)
