"""Small files that ask for more than they are worth, wherever a document comes in: one sentence, or it comes through, for little."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator

import pytest
from bombs import BOMBS
from desk_steps import NAMES, REQUEST

from signing_core.desk import taking_in
from signing_core.errors import DocumentRefused
from signing_core.limited import calling
from signing_core.pdf import foreign

WAYS: dict[str, Callable[[bytes], object]] = {
    "create": lambda data: taking_in.take_in(data, REQUEST, name="offer.pdf", names=NAMES),
    "template": lambda data: foreign.declared(data, name="offer.pdf"),
    "page": lambda data: foreign.page(data, 1, dpi=90, name="offer.pdf"),
}
"""`sealtrail create` and the dashboard, `sealtrail template add`, and the dashboard's picture of a page."""


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    calling._end_all()
    yield
    calling._end_all()


def spent() -> float:
    """Processor time of the limited processes that have ended."""
    calling._end_all()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_a_bomb_costs_little_and_gets_one_sentence_or_comes_through(bomb: Callable[[], bytes], way: str) -> None:
    source, before = bomb(), spent()
    assert len(source) < 200_000
    try:
        WAYS[way](source)
    except DocumentRefused as error:
        assert str(error).startswith(("offer.pdf ", "The PDF ")) and str(error).endswith(".")
        assert "\n" not in str(error)
    # 10 s, and what the process takes to start on a busy machine
    assert spent() - before < 10 + 5
