"""Processes that work for this one: how they start, and how much they may take for a file."""

from __future__ import annotations

import multiprocessing
import threading
from multiprocessing.context import BaseContext
from pathlib import Path

from signing_core.limited import limits


def process_context() -> BaseContext:
    """Forking is instant and shares what is loaded, but only safe as long as there is one thread."""
    methods = multiprocessing.get_all_start_methods()
    if "fork" in methods and threading.active_count() == 1:
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")


def seconds_for(size: int | None, most: float) -> float:
    """Of processor time for a file of `size` bytes, no more than `most`: what honest ones need many times over."""
    return min(most, 7.0 + 20.0 * (size or 0) / 1e6)


def memory_for(size: int | None, most: int) -> int:
    """Bytes of address space for a file of `size` bytes, no more than `most`; 0 (none) when `most` is 0."""
    return min(most, (1 << 30) + 30 * (size or 0))


def size_of(path: str) -> int | None:
    """In bytes; None for what cannot be found."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return None


def limit(size: int | None, seconds: float, memory: int) -> None:
    """Leave this process what a file of `size` bytes may take, no more than `seconds` of processor time and `memory` bytes."""
    limits.limit_processor_time(seconds_for(size, seconds))
    limits.limit_memory(memory_for(size, memory))
