"""Attribute sampling: how many documents to look at, which ones, and what the errors found say about all.

A test of a control asks one yes-or-no question of each document. From the confidence (one minus the risk of overreliance),
the tolerable rate and the expected rate of deviations follows the sample size; from the deviations found, the upper limit
of the rate in the whole population at that confidence.

With large populations the number of deviations in a sample is binomial, which is what published tables such as those of
the AICPA Audit Guide *Audit Sampling*, appendix A, are made with. With `population` it is hypergeometric, exact for
sampling without replacement, and never needs more. Rates are shares of one (0.05 is 5 %).

Selection needs nothing of ours to be repeated: of all SHA-256(seed ":" id), the smallest are taken.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Final

from signing_core.errors import UsageError

_LARGEST: Final = 20_000
"""Sample size at which planning is given up: expected and tolerable rate are then too close to tell apart."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a sample has to be."""

    confidence: float
    tolerable: float
    expected: float
    population: int | None
    size: int
    acceptable: int
    """Deviations in the sample with which the conclusion still holds."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a sample says about the population."""

    confidence: float
    size: int
    deviations: int
    population: int | None
    rate: float
    """Of the sample: the most likely rate in the population."""
    upper_limit: float
    """The rate that the population does not exceed, at the confidence."""
    projected: float | None
    """Deviations in the population at the sample's rate; None without a population."""
    at_most: int | None
    """Deviations that the population does not exceed, at the confidence; None without a population."""

    def supports(self, tolerable: float) -> bool:
        """Whether the population's rate is at most tolerable, at the confidence."""
        return self.upper_limit <= tolerable


def plan(tolerable: float, *, expected: float = 0.0, confidence: float = 0.95, population: int | None = None) -> Plan:
    """The smallest sample whose acceptable deviations, at least `expected` of it, keep the upper limit at `tolerable`.

    With a population too small for that, the sample is the population: then nothing is left to chance. Raises `UsageError`
    when the rates make no sense or lie too close together.
    """
    _check(confidence, population)
    if not 0 < tolerable < 1 or not 0 <= expected < tolerable:
        raise UsageError(
            f"The tolerable rate ({tolerable}) has to lie between 0 and 1, and above the expected rate ({expected})."
        )
    risk, rate = 1 - confidence, Fraction(str(expected))
    largest = _LARGEST if population is None else population - 1
    acceptable, size = 0, 1
    while True:
        size = _smallest(acceptable, size, largest, risk, tolerable, population)
        if size > largest and population is not None:
            return Plan(
                confidence,
                tolerable,
                expected,
                population,
                population,
                math.floor(Fraction(str(tolerable)) * population),
            )
        if size > largest:
            raise UsageError(
                f"More than {_LARGEST:,} documents would be needed; the expected rate ({expected}) is too close to the "
                f"tolerable rate ({tolerable})."
            )
        if acceptable >= rate * size:
            return Plan(confidence, tolerable, expected, population, size, acceptable)
        # Fewer cannot do: they would need as large a sample, of which they are too small a share already.
        acceptable = math.ceil(rate * size)


def _smallest(acceptable: int, low: int, largest: int, risk: float, tolerable: float, population: int | None) -> int:
    """The smallest sample, from `low` on, in which so few deviations have at most the chance `risk`; else `largest` + 1."""
    high = largest + 1
    while low < high:
        middle = (low + high) // 2
        if _chance(acceptable, middle, tolerable, population) > risk:
            low = middle + 1
        else:
            high = middle
    return low


def evaluate(size: int, deviations: int, *, confidence: float = 0.95, population: int | None = None) -> Evaluation:
    """What `deviations` in a sample of `size` say. Raises `UsageError` for numbers that cannot be."""
    _check(confidence, population)
    if size < 1 or not 0 <= deviations <= size or (population is not None and size > population):
        raise UsageError(
            f"There cannot be {deviations} deviations in a sample of {size} from {population or 'many'} documents."
        )
    risk = 1 - confidence
    if population is None:
        limit, at_most, projected = _binomial_limit(deviations, size, risk), None, None
    else:
        at_most = _hypergeometric_limit(deviations, size, population, risk)
        limit, projected = at_most / population, deviations / size * population
    return Evaluation(confidence, size, deviations, population, deviations / size, limit, projected, at_most)


def new_seed() -> str:
    """A seed nobody could foresee; write it down before looking at any document."""
    return secrets.token_hex(16)


def select(ids: Iterable[str], size: int, seed: str) -> list[str]:
    """`size` of the ids, each with the same chance, in the order in which they were drawn.

    The order of `ids` does not matter. The ids are drawn by the smallest SHA-256 of the UTF-8 text ``SEED:ID``, so a larger
    sample with the same seed begins with the smaller one. Raises `UsageError` without a seed, or with too few ids.
    """
    different = set(ids)
    if not seed:
        raise UsageError("A selection needs a seed, so that another auditor can repeat it; make one with new_seed().")
    if not 0 <= size <= len(different):
        raise UsageError(f"There are {len(different)} documents, of which {size} cannot be drawn.")
    return sorted(different, key=lambda one: (hashlib.sha256(f"{seed}:{one}".encode()).digest(), one))[:size]


def _check(confidence: float, population: int | None) -> None:
    if not 0.5 <= confidence < 1:
        raise UsageError(f"The confidence ({confidence}) has to be at least 0.5 and below 1, such as 0.95.")
    if population is not None and population < 1:
        raise UsageError("There is no document in the population; choose another period.")


def _chance(deviations: int, size: int, tolerable: float, population: int | None) -> float:
    """The chance of at most so many deviations in a sample from a population in which they are just intolerable."""
    if population is None:
        return _binomial(deviations, size, tolerable)
    intolerable = math.floor(Fraction(str(tolerable)) * population) + 1
    return _hypergeometric(deviations, size, population, min(intolerable, population))


def _binomial(deviations: int, size: int, rate: float) -> float:
    """P(X <= deviations) for the binomial distribution."""
    if deviations >= size or rate <= 0:
        return 1.0
    if rate >= 1:
        return 0.0
    yes, no = math.log(rate), math.log1p(-rate)
    return min(
        1.0, math.fsum(math.exp(_log_choose(size, k) + k * yes + (size - k) * no) for k in range(deviations + 1))
    )


def _hypergeometric(deviations: int, size: int, population: int, bad: int) -> float:
    """P(X <= deviations) for a sample without replacement from a population with `bad` deviations."""
    lowest, highest = max(0, size - (population - bad)), min(deviations, size, bad)
    all_samples = _log_choose(population, size)
    terms = (
        math.exp(_log_choose(bad, k) + _log_choose(population - bad, size - k) - all_samples)
        for k in range(lowest, highest + 1)
    )
    return min(1.0, math.fsum(terms))


def _binomial_limit(deviations: int, size: int, risk: float) -> float:
    """The one-sided limit of Clopper and Pearson: the rate at which so few deviations have the chance `risk`."""
    if deviations == size:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _binomial(deviations, size, middle) > risk else (low, middle)
    return high


def _hypergeometric_limit(deviations: int, size: int, population: int, risk: float) -> int:
    """The largest number of deviations in the population that the sample does not rule out."""
    low, high = deviations, population - (size - deviations)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high) if _hypergeometric(deviations, size, population, middle) > risk else (low, middle - 1)
        )
    return low


@cache
def _log_factorial(n: int) -> float:
    return math.lgamma(n + 1)


def _log_choose(n: int, k: int) -> float:
    return _log_factorial(n) - _log_factorial(k) - _log_factorial(n - k)
