"""What values look like under the format scripts that Acrobat itself writes into forms.

Their behaviour is documented in Adobe's "Forms API Reference" (AFNumber_Format and so on). Any other script is not followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

_CALL: Final = re.compile(r"\s*(AF(?:Number|Percent|Special|Date|Time)_Format(?:Ex)?)\s*\((.*)\)\s*;?\s*", re.DOTALL)
_ARGUMENT: Final = re.compile(
    r"""\s*(?:"((?:[^"\\]|\\.){0,200})"|'((?:[^'\\]|\\.){0,200})'|(-?\d{1,9})(?:\.0*)?|(true|false))\s*(?:,|$)""",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([0-7]{1,3})|(.))", re.DOTALL)
_PLAIN: Final = re.compile(r"[-+]?(?:\d{1,40}(?:[.,]\d{0,40})?|[.,]\d{1,40})(?:[eE][-+]?\d{1,2})?")
_SHOWN: Final = re.compile(r"\d{1,3}(?:[.,'’]\d{3})*(?:[.,]\d{1,40})?|\d{0,40}(?:[.,]\d{1,40})?")
_DATES: Final = (
    "m/d", "m/d/yy", "mm/dd/yy", "mm/yy", "d-mmm", "d-mmm-yy", "dd-mmm-yy", "yy-mm-dd", "mmm-yy", "mmmm-yy", "mmm d, yyyy",
    "mmmm d, yyyy", "m/d/yy h:MM tt", "m/d/yy HH:MM",
)  # fmt: skip
_TIMES: Final = ("HH:MM", "h:MM tt", "HH:MM:ss", "h:MM:ss tt")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PART: Final = re.compile(r"yyyy|yy|mmmm|mmm|mm|m|dddd|ddd|dd|d|HH|H|hh|h|MM|M|ss|s|tt|t")
_SPECIAL: Final = {0: r"\d{5}", 1: r"\d{5}-\d{4}", 2: r"(?:\(\d{3}\))?\d{3}-\d{4}", 3: r"\d{3}-\d{2}-\d{4}"}
_SEPARATORS: Final = {0: (",", "."), 1: ("", "."), 2: (".", ","), 3: ("", ","), 4: ("'", ".")}


@dataclass(frozen=True, slots=True)
class Format:
    """A call of one of Acrobat's format functions."""

    function: str
    arguments: tuple[str | int | bool, ...]


def parse(script: str) -> Format | None:
    """The format that a script is; None when it is anything more or else."""
    call = _CALL.fullmatch(script[:2000])
    if call is None:
        return None
    arguments: list[str | int | bool] = []
    position = 0
    while position < len(call[2]):
        argument = _ARGUMENT.match(call[2], position)
        if argument is None:
            return None
        position = argument.end()
        quoted = argument[1] if argument[1] is not None else argument[2]
        if quoted is not None:
            arguments.append(_ESCAPE.sub(_unescaped, quoted))
        else:
            arguments.append(int(argument[3]) if argument[3] else argument[4] == "true")
    return Format(call[1], tuple(arguments))


def _unescaped(match: re.Match[str]) -> str:
    if match[4] is not None:
        return {"n": "\n", "r": "\r", "t": "\t"}.get(match[4], match[4])
    return chr(int(match[1] or match[2], 16)) if match[1] or match[2] else chr(int(match[3], 8))


def number(text: str) -> Decimal | None:
    """A value as Acrobat reads it: point or comma is the decimal sign, no thousands."""
    text = text.strip().replace("\u2212", "-")
    if not _PLAIN.fullmatch(text):
        return None
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None


def shows(form: Format, value: str, displayed: str, *, red: bool) -> bool:
    """Whether `displayed` (without white space) is what the format makes of `value`. `red`: it is drawn in red."""
    arguments = form.arguments
    if form.function in ("AFNumber_Format", "AFPercent_Format"):
        return (amount := number(value)) is not None and any(
            displayed == re.sub(r"\s", "", text) for text in _numbers(form, amount, red=red)
        )
    if form.function == "AFSpecial_Format" and arguments and isinstance(arguments[0], int):
        pattern = _SPECIAL.get(arguments[0])
        digits = [re.sub(r"[-() .]", "", text) for text in (value, displayed)]
        return pattern is not None and re.fullmatch(pattern, displayed) is not None and digits[0] == digits[1]
    argument = arguments[0] if arguments else None
    if isinstance(argument, int):
        table = _TIMES if form.function.startswith("AFTime") else _DATES
        argument = table[argument] if 0 <= argument < len(table) else None
    return isinstance(argument, str) and _same_date(argument, value, displayed)


def _numbers(form: Format, amount: Decimal, *, red: bool) -> Iterator[str]:
    """nDec, sepStyle, then for numbers negStyle, currStyle, strCurrency, bCurrencyPrepend."""
    defaults = (0, 0, 0, 0, "", False)
    places, style, negative, _, currency, before = [*form.arguments, *defaults[len(form.arguments) :]][:6]
    if form.function == "AFPercent_Format":
        amount, currency, before, negative = amount * 100, "%", bool(negative), 0
    if (
        not isinstance(places, int)
        or not 0 <= places <= 20
        or style not in _SEPARATORS
        or not isinstance(currency, str)
    ):
        return
    for exact in {amount, Decimal(float(amount))}:  # Acrobat rounds the binary number
        rounded = round_half_away(exact, places)
        digits = f"{abs(rounded):.{places}f}"
        whole, _, fraction = digits.partition(".")
        thousands, point = _SEPARATORS[style if isinstance(style, int) else 0]
        whole = f"{int(whole):,}".replace(",", thousands)
        plain = whole + (point + fraction if fraction else "")
        with_currency = currency + plain if before else plain + currency
        if amount >= 0:
            yield with_currency
        elif negative in (2, 3):
            yield from (f"({with_currency})", f"{currency}({plain})" if before else f"({plain}){currency}")
        elif negative == 1:
            if red:
                yield with_currency
        else:
            yield from ("-" + with_currency, f"{currency}-{plain}" if before else f"-{plain}{currency}")


def round_half_away(amount: Decimal, places: int) -> Decimal:
    """Rounded to so many decimals, halves away from zero; unchanged where it has too many digits for that."""
    try:
        return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    except InvalidOperation:
        return amount


def amounts(displayed: str) -> frozenset[tuple[Decimal, int]]:
    """(number, decimals) that a reader can take a text for, whatever the separators; none when it is no number."""
    text = displayed.replace("\u2212", "-").strip("€$£¥%")
    negative = text.startswith("-") or text.endswith("-") or (text.startswith("(") and text.endswith(")"))
    text = (
        text.strip("-+()€$£¥%")
        .removeprefix("EUR")
        .removesuffix("EUR")
        .removeprefix("USD")
        .removesuffix("USD")
        .strip("-")
    )
    if not _SHOWN.fullmatch(text) or not any(c.isdigit() for c in text) or not text.isascii():
        return frozenset()
    readings = set()
    if re.fullmatch(r"\d+|\d{1,3}(?:[.,'’]\d{3})+", text):
        readings.add((Decimal(re.sub(r"\D", "", text)), 0))
    for point in ".,":
        whole, separator, fraction = text.rpartition(point)
        if separator:
            readings.add((Decimal(f"{re.sub(r'[^0-9]', '', whole) or '0'}.{fraction or '0'}"), len(fraction)))
    return frozenset((-amount if negative else amount, places) for amount, places in readings)


def agree(value: str, displayed: str) -> bool | None:
    """Whether two numbers are the same but for separators, rounding and per cent; None when either is no number."""
    first, second = amounts(value), amounts(displayed)
    if not first or not second:
        return None
    for amount, _ in first:
        for candidate, places in second:
            for exact in (amount, amount * 100) if "%" in displayed else (amount,):
                if (exact.is_signed() == candidate.is_signed() or not candidate) and round_half_away(
                    exact, places
                ) == candidate:
                    return True
    return False


def _same_date(pattern: str, value: str, displayed: str) -> bool:
    parts = _PART.findall(pattern)
    read = _fields(parts, displayed)
    meant = _fields(parts, value)
    if read is None:
        return False
    numbers = re.findall(r"\d+", value)
    if numbers and len(numbers[0]) == 4 and not pattern.startswith("yy"):  # ISO 8601
        meant = _fields(["y", "m", "d", *(part for part in parts if part[0] in "HhMs")], value)
    if meant is None:
        return False
    return all(read[key] == meant.get(key) for key in read)


def _fields(parts: list[str], text: str) -> dict[str, int] | None:
    """The numbers of a date by the letters of its format, taken in order; None when they do not fit."""
    text = text.casefold()
    tokens = re.findall(r"\d{1,4}|[^\W\d_]+", text)
    fields: dict[str, int] = {}
    names = [_MONTHS.index(token[:3]) + 1 for token in tokens if token[:3] in _MONTHS]
    digits = [token for token in tokens if token.isdigit()]
    afternoon = "pm" in tokens or "p" in tokens
    for part in parts:
        key = part[0].lower() if part[0] in "Hhyd" else part[0]
        if part[0] == "t" or part in ("dddd", "ddd"):
            continue
        if key == "m" and names:
            fields[key] = names[0]
            continue
        if not digits:
            return None
        year = next((token for token in digits if len(token) == 4), None) if key == "y" else None
        token = year or digits[0]
        digits.remove(token)
        fields[key] = int(token) % 100 if key == "y" else int(token)
        if key == "h" and ("am" in tokens or "pm" in tokens or "p" in tokens or "a" in tokens):
            fields[key] = fields[key] % 12 + (12 if afternoon else 0)
    return fields if not digits else None
