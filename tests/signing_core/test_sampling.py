"""Sample sizes and upper limits beside published tables.

The published values are those of the AICPA Audit Guide *Audit Sampling*, appendix A, "Attributes Statistical Sampling Tables":
tables A-1 and A-2 (sample sizes at 5 % and 10 % risk of overreliance), A-3 and A-4 (upper limits, in percent, rounded up to a
tenth). That they follow from the binomial distribution is computed here once more, with whole numbers and no code of the project.
"""

from __future__ import annotations

import hashlib
import math
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing_core import sampling
from signing_core.errors import UsageError

# expected rate in percent -> sample sizes for the tolerable rates in percent
SIZES_5 = {
    (0, 2): 149, (0, 5): 59, (0, 10): 29, (0, 20): 14,
    (1, 3): 257, (1, 4): 156, (1, 5): 93, (1, 10): 46,
    (1.25, 2): 1030, (1.75, 4): 227, (2, 5): 181, (2.5, 6): 150, (3, 7): 129, (4, 9): 100, (5, 10): 116,
    (8, 10): 649, (12.5, 15): 576, (17.5, 20): 720,
}  # fmt: skip
SIZES_10 = {
    (0, 2): 114, (0, 5): 45, (0, 10): 22, (0, 20): 11,
    (1, 3): 176, (1, 5): 77, (2, 5): 132, (2, 8): 48, (4, 8): 98, (5, 10): 78, (8, 10): 424, (15, 20): 126,
}  # fmt: skip
# sample size -> upper limits for 0, 1, 2, 3, 5 and 10 deviations
LIMITS_5 = {
    20: (14.0, 21.7, 28.3, 34.4, 45.6, 69.9), 50: (5.9, 9.2, 12.1, 14.8, 19.9, 31.6), 100: (3.0, 4.7, 6.2, 7.6, 10.3, 16.4),
    150: (2.0, 3.2, 4.2, 5.1, 6.9, 11.1), 500: (0.6, 1.0, 1.3, 1.6, 2.1, 3.4),
}  # fmt: skip
LIMITS_10 = {
    20: (10.9, 18.1, 24.5, 30.5, 41.5, 66.2), 60: (3.8, 6.4, 8.7, 10.8, 15.0, 24.6), 100: (2.3, 3.9, 5.3, 6.6, 9.1, 15.0),
    200: (1.2, 2.0, 2.7, 3.4, 4.6, 7.6),
}  # fmt: skip
DEVIATIONS = (0, 1, 2, 3, 5, 10)


@pytest.mark.parametrize(("confidence", "table"), [(0.95, SIZES_5), (0.90, SIZES_10)])
def test_sample_sizes_are_the_published_ones(confidence: float, table: dict[tuple[float, float], int]) -> None:
    computed = {
        (expected, tolerable): sampling.plan(tolerable / 100, expected=expected / 100, confidence=confidence).size
        for expected, tolerable in table
    }
    assert computed == table


@pytest.mark.parametrize(("confidence", "table"), [(0.95, LIMITS_5), (0.90, LIMITS_10)])
def test_upper_limits_are_the_published_ones(confidence: float, table: dict[int, tuple[float, ...]]) -> None:
    for size, limits in table.items():
        for deviations, limit in zip(DEVIATIONS, limits, strict=True):
            found = sampling.evaluate(size, deviations, confidence=confidence).upper_limit
            assert math.ceil(found * 1000) / 10 == limit, (size, deviations)


def exact(deviations: int, size: int, rate: Fraction) -> Fraction:
    """P(X <= deviations) of the binomial distribution, without rounding."""
    return sum((comb(size, k) * rate**k * (1 - rate) ** (size - k) for k in range(deviations + 1)), start=Fraction(0))


@pytest.mark.parametrize(("risk", "table"), [(Fraction(1, 20), SIZES_5), (Fraction(1, 10), SIZES_10)])
def test_the_published_sizes_follow_from_the_definition(risk: Fraction, table: dict[tuple[float, float], int]) -> None:
    """The published size is enough with as many deviations as are expected in it, and no smaller one is."""
    for (expected, tolerable), size in table.items():
        if size > 160:
            continue  # whole numbers of thousands of digits; the larger ones are compared with the table above
        chances = {
            n: exact(math.ceil(Fraction(str(expected)) * n / 100), n, Fraction(tolerable) / 100)
            for n in range(1, size + 1)
        }
        assert chances[size] <= risk
        assert all(chance > risk for n, chance in chances.items() if n < size), (expected, tolerable)


@pytest.mark.parametrize(("risk", "table"), [(Fraction(1, 20), LIMITS_5), (Fraction(1, 10), LIMITS_10)])
def test_the_published_limits_follow_from_the_definition(risk: Fraction, table: dict[int, tuple[float, ...]]) -> None:
    for size, limits in table.items():
        for deviations, limit in zip(DEVIATIONS, limits, strict=True):
            published = Fraction(str(limit)) / 100
            assert exact(deviations, size, published) <= risk < exact(deviations, size, published - Fraction(1, 1000))


@pytest.mark.parametrize("population", [1, 2, 10, 19])
def test_a_population_smaller_than_the_sample_is_examined_as_a_whole(population: int) -> None:
    plan = sampling.plan(0.02, population=population)
    assert (plan.size, plan.acceptable) == (population, 0)
    assert sampling.evaluate(population, 0, population=population).upper_limit == 0.0
    assert not sampling.evaluate(population, 1, population=population).supports(0.02)


def test_a_known_population_is_counted_exactly() -> None:
    """Against the definition, with whole numbers: the chance that a sample shows none of 6 deviations among 50."""
    plan = sampling.plan(0.10, population=50)  # more than 5 of 50 are intolerable
    chance = {n: comb(44, n) / comb(50, n) for n in (plan.size - 1, plan.size)}
    assert chance[plan.size] <= 0.05 < chance[plan.size - 1]
    assert plan.size < sampling.plan(0.10).size


@given(
    st.integers(1, 400),
    st.sampled_from([0.02, 0.05, 0.1, 0.2]),
    st.sampled_from([0.0, 0.01]),
    st.sampled_from([0.8, 0.9, 0.95]),
)
def test_a_sample_with_the_acceptable_deviations_supports_the_tolerable_rate(
    population: int, tolerable: float, expected: float, confidence: float
) -> None:
    plan = sampling.plan(tolerable, expected=expected, confidence=confidence, population=population)
    result = sampling.evaluate(plan.size, plan.acceptable, confidence=confidence, population=population)
    assert result.supports(tolerable)


def test_the_whole_population_leaves_nothing_to_chance() -> None:
    result = sampling.evaluate(24, 3, population=24)
    assert (result.at_most, result.projected, result.upper_limit) == (3, 3.0, 0.125)


@given(st.sets(st.text(min_size=1, max_size=8), min_size=3, max_size=30), st.integers(0, 3))
def test_a_selection_can_be_repeated_and_a_larger_one_begins_with_it(ids: set[str], size: int) -> None:
    chosen = sampling.select(ids, size, "2026")
    assert chosen == sampling.select(sorted(ids, reverse=True), size, "2026")
    assert sampling.select(ids, 3, "2026")[:size] == chosen
    hashed = {one: hashlib.sha256(f"2026:{one}".encode()).hexdigest() for one in ids}
    assert all(hashed[one] <= hashed[other] for one in chosen for other in ids - set(chosen))


@pytest.mark.parametrize(
    "call",
    [
        lambda: sampling.plan(0.05, expected=0.05),
        lambda: sampling.plan(0.05, expected=0.0499),
        lambda: sampling.plan(0.05, population=0),
        lambda: sampling.plan(0.0),
        lambda: sampling.plan(1.0),
        lambda: sampling.plan(0.05, expected=-0.01),
        lambda: sampling.plan(math.nan),
        lambda: sampling.plan(0.05, expected=math.nan),
        lambda: sampling.plan(0.05, confidence=0.49),
        lambda: sampling.plan(0.05, confidence=1.0),
        lambda: sampling.plan(0.05, confidence=95),
        lambda: sampling.plan(0.05, confidence=math.nan),
        lambda: sampling.evaluate(0, 0),
        lambda: sampling.evaluate(10, -1),
        lambda: sampling.evaluate(10, 11),
        lambda: sampling.evaluate(10, 1, population=9),
        lambda: sampling.select(["a"], 2, "s"),
        lambda: sampling.select(["a"], 1, ""),
    ],
)
def test_what_makes_no_sense_is_refused(call: object) -> None:
    with pytest.raises(UsageError):
        call()  # type: ignore[operator]
