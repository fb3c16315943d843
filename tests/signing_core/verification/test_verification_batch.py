"""Many documents: order, limits, and workers that die."""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import bombs
import pytest
import signed_samples as made
from signed_samples import NOW

from signing_core.verdict import DocumentVerdict, Integrity
from signing_core.verification import batch, worker_pool
from signing_core.verification.batch import Limits, Rules, verify_many


@pytest.fixture(scope="module")
def files(world, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("batch")
    made_files = []
    for number in range(12):
        file = folder / f"{number:02}.pdf"
        file.write_bytes(made.signed(world.signer) if number % 3 else made.Pdf.new().data)
        made_files.append(file)
    return made_files


@pytest.fixture
def rules(world) -> Rules:
    return Rules(NOW, trust=world.trust)


def integrities(verdicts: Iterator[DocumentVerdict]) -> list[str]:
    return [str(verdict.integrity) for verdict in verdicts]


EXPECTED = ["intact" if number % 3 else "unsigned" for number in range(12)]


@pytest.mark.parametrize("jobs", [1, 3])
def test_results_come_in_input_order(jobs: int, files: list[Path], rules: Rules) -> None:
    verdicts = list(verify_many(files, rules, jobs=jobs))
    assert [verdict.path for verdict in verdicts] == [str(file) for file in files]
    assert [str(verdict.integrity) for verdict in verdicts] == EXPECTED


def test_results_stream(files: list[Path], rules: Rules) -> None:
    given = 0

    def counted() -> Iterator[Path]:
        nonlocal given
        for _ in range(1000):
            given += 1
            yield files[1]

    results = verify_many(counted(), rules, jobs=2)
    next(results)
    assert given < 1000
    results.close()  # type: ignore[attr-defined]


def test_the_same_file_twice_and_one_that_is_missing(files: list[Path], rules: Rules) -> None:
    paths = [files[1], files[1].with_name("missing.pdf"), files[1]]
    assert integrities(verify_many(paths, rules, jobs=2)) == ["intact", "indeterminate", "intact"]


def test_nothing_to_do(rules: Rules) -> None:
    assert list(verify_many([], rules, jobs=2)) == []


class Faulty:
    """Stands in for the verifier of a worker process and does what a hostile file might make it do."""

    def __init__(self, rules: Rules) -> None:
        self._real = batch_verifier(rules)

    def __call__(self, path: str) -> DocumentVerdict:
        name = Path(path).name
        if name == "04.pdf":
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "05.pdf":
            time.sleep(60)
        if name == "06.pdf":
            while True:
                pass
        if name == "07.pdf":
            bytearray(8 * 1024**3)
        return self._real(path)


batch_verifier = batch._Verifier


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_worker_that_dies_costs_one_document(jobs: int, files: list[Path], rules: Rules, monkeypatch, codes) -> None:
    monkeypatch.setattr(batch, "_Verifier", Faulty)
    monkeypatch.setattr(worker_pool, "patience", lambda seconds: 15.0)
    verdicts = list(verify_many(files, rules, jobs=jobs, limits=Limits(seconds=2)))
    wanted = list(EXPECTED)
    wanted[4] = wanted[5] = wanted[6] = wanted[7] = "indeterminate"
    assert [str(verdict.integrity) for verdict in verdicts] == wanted
    assert codes(verdicts[4]) == {"worker-died"}
    assert codes(verdicts[5]) == {"limit-exceeded"}
    assert codes(verdicts[6]) == {"limit-exceeded"}
    assert "seconds of processor time" in verdicts[6].findings[0].message
    assert codes(verdicts[7]) == {"limit-exceeded"}
    assert verdicts[5].size == files[5].stat().st_size


@pytest.mark.slow
def test_a_signed_bomb_is_in_doubt_and_costs_little(rules: Rules, tmp_path: Path) -> None:
    paths = [tmp_path / f"{bomb.__name__}.pdf" for bomb in bombs.BOMBS]
    for bomb, path in zip(bombs.BOMBS, paths, strict=True):
        path.write_bytes(bombs.signed(bomb()))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    verdicts = list(verify_many(paths, rules, jobs=2))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert {str(verdict.integrity) for verdict in verdicts} == {"indeterminate"}
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 10 * len(paths)


class NeverReady:
    def __init__(self, rules: Rules) -> None:
        raise RuntimeError


def test_workers_that_never_start_are_an_error_and_no_loop(files: list[Path], rules: Rules, monkeypatch) -> None:
    monkeypatch.setattr(batch, "_Verifier", NeverReady)
    with pytest.raises(RuntimeError, match="before they start"):
        list(verify_many(files, rules, jobs=1))


def test_no_worker_is_left_behind(files: list[Path], rules: Rules) -> None:
    import multiprocessing

    before = set(multiprocessing.active_children())
    results = verify_many(files, rules, jobs=2)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert set(multiprocessing.active_children()) <= before


def test_with_other_threads_around_workers_are_not_forked(files: list[Path], rules: Rules) -> None:
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    try:
        assert integrities(verify_many(files[:4], rules, jobs=1)) == EXPECTED[:4]
    finally:
        release.set()
        thread.join()


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_an_executor_can_be_handed_in(kind: type, files: list[Path], rules: Rules) -> None:
    with kind(2) as executor:
        assert integrities(verify_many(files, rules, executor=executor)) == EXPECTED


def test_an_executor_that_breaks(files: list[Path], rules: Rules) -> None:
    executor = ThreadPoolExecutor(1)
    results = verify_many(files[:3], rules, executor=executor)
    assert next(results).integrity is Integrity.UNSIGNED

    class Broken(ThreadPoolExecutor):
        def submit(self, *_: object, **__: object):  # type: ignore[no-untyped-def, override]
            from concurrent.futures import Future

            failed: Future[DocumentVerdict] = Future()
            failed.set_exception(RuntimeError())
            return failed

    assert integrities(verify_many(files[:2], rules, executor=Broken(1))) == ["indeterminate"] * 2
    executor.shutdown()
