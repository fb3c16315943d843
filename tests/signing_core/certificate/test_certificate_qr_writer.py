from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
import qrcode
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from qrcode.constants import ERROR_CORRECT_Q
from qrcode.util import MODE_ALPHA_NUM, QRData

from signing_core.certificate import qr_writer
from signing_core.errors import UsageError


def drawn(symbol: qr_writer.QrSymbol, scale: int = 4) -> Image.Image:
    side = symbol.modules + 2 * qr_writer.QUIET_ZONE
    image = Image.new("L", (side, side), 255)
    pixels = ImageDraw.Draw(image)
    for y, row in enumerate(symbol.rows):
        for x, dark in enumerate(row):
            if dark:
                pixels.point((x + qr_writer.QUIET_ZONE, y + qr_writer.QUIET_ZONE), 0)
    return image.resize((side * scale, side * scale), Image.Resampling.NEAREST)


def test_the_certificate_code_is_alphanumeric_level_q_and_no_larger_than_need_be(printed: SimpleNamespace) -> None:
    symbol = qr_writer.write(printed.url)
    assert (symbol.version, symbol.modules) == (13, 69)  # 352 characters; byte mode would take version 16
    assert symbol.module_mm == pytest.approx(0.58, abs=0.005)
    read = zxingcpp.read_barcode(drawn(symbol))
    assert read is not None
    assert read.text == printed.url
    assert read.ec_level == "Q"


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 $%*+-./:", min_size=1, max_size=400))
@settings(max_examples=30, deadline=None)
def test_the_symbol_is_the_one_that_the_library_makes_by_itself(text: str) -> None:
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_Q, border=0)
    code.add_data(QRData(text.encode(), mode=MODE_ALPHA_NUM), optimize=0)
    code.make(fit=True)
    assert qr_writer.write(text).rows == tuple(tuple(map(bool, row)) for row in code.modules)


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 $%*+-./:", min_size=1, max_size=120))
def test_the_outline_draws_exactly_the_modules(text: str) -> None:
    symbol = qr_writer.write(text)
    side = symbol.modules + 2 * qr_writer.QUIET_ZONE
    filled = [[False] * side for _ in range(side)]
    for loop in symbol.outline().split("z")[:-1]:
        # Even-odd: every downward or upward step flips all modules right of it.
        x, y = map(int, re.match(r"M(\d+) (\d+)", loop).groups())  # type: ignore[union-attr]
        start = y
        for way, length in [(w, int(n)) for w, n in re.findall(r"([hv])(-?\d+)", loop)] + [("end", 0)]:
            if way == "h":
                x += length
                continue
            down = length if way == "v" else start - y  # `z` closes the loop, upright if the last step was not
            for row in range(min(y, y + down), max(y, y + down)):
                filled[row][x:] = [not module for module in filled[row][x:]]
            y += down
    quiet = qr_writer.QUIET_ZONE
    assert [row[quiet:-quiet] for row in filled[quiet:-quiet]] == [list(row) for row in symbol.rows]
    outside = [row for i, row in enumerate(filled) if i < quiet or i >= side - quiet]
    assert not any(map(any, outside))


@pytest.mark.parametrize("text", ["lower case", "ÄÖÜ", "A" * 3000, "A\n"])
def test_what_alphanumeric_mode_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        qr_writer.write(text)
