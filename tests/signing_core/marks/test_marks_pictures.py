"""Photos, scans and files of signatures and stamps: the ink comes out, everything else stays behind or is refused."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter
from PIL.PngImagePlugin import PngInfo

from signing_core.errors import MarkRefused
from signing_core.marks import Mark, decoding, stamp, uploaded

INK = (30, 45, 110)


def _signature(size: tuple[int, int] = (900, 300), ink: tuple[int, int, int] = INK) -> Image.Image:
    """An upright signature with a dot at its upper left, so that every turn of it looks different: RGBA, transparent."""
    picture = Image.new("RGBA", size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    width, height = size
    x = np.linspace(0.1, 0.9, 60)
    y = 0.55 + 0.2 * np.sin(x * 30)
    draw.line(
        [(float(a) * width, float(b) * height) for a, b in zip(x, y, strict=True)],
        fill=(*ink, 255),
        width=max(4, height // 30),
        joint="curve",
    )
    draw.ellipse((width * 0.1, height * 0.1, width * 0.1 + height * 0.09, height * 0.19), fill=(*ink, 255))
    return picture


def _on_paper(
    signature: Image.Image, *, size: tuple[int, int] = (1400, 900), shade: float = 0.0, noise: float = 3.0
) -> Image.Image:
    """A photo of it: paper, light falling off to one side, a hard shadow, blur and noise."""
    width, height = size
    paper = Image.new("RGB", size, (238, 234, 226))
    paper.paste(signature, ((width - signature.width) // 2, (height - signature.height) // 2), signature)
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    light = (1 - shade * across / width) * (
        1 - 0.4 * shade / (1 + np.exp(np.clip((width * 0.7 - across - down / 2) / 25, -50, 50)))
    )
    lit = np.asarray(paper.filter(ImageFilter.GaussianBlur(1.2)), dtype=np.float32) * light[..., None]
    return Image.fromarray(np.clip(lit + np.random.default_rng(1).normal(0, noise, lit.shape), 0, 255).astype(np.uint8))


def _bytes(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    written = io.BytesIO()
    if kind == "HEIC":
        pillow_heif.from_pillow(picture).save(written, quality=70, enc_params={"preset": "ultrafast"}, **options)
    else:
        picture.save(written, kind, **options)
    return written.getvalue()


def _opened(mark: Mark) -> Image.Image:
    assert mark.media_type == "image/png"
    picture = Image.open(io.BytesIO(mark.data))
    assert picture.mode == "RGBA"
    return picture


def _alpha(mark: Mark) -> np.ndarray:
    return np.asarray(_opened(mark).getchannel("A"), dtype=float) / 255


def _expected_shape(picture: Image.Image, size: tuple[int, int]) -> np.ndarray:
    box = picture.getchannel("A").getbbox()
    return np.asarray(picture.getchannel("A").crop(box).resize(size), dtype=float) / 255


def _overlap(mark: Mark, drawn: Image.Image) -> float:
    """How much of the two inks is the same, from 0 to 1 (intersection over union), both cut to their ink."""
    found = _opened(mark)
    box = found.getchannel("A").point(lambda a: 255 if a > 128 else 0).getbbox()
    have = np.asarray(found.getchannel("A").crop(box), dtype=float) > 100
    want = _expected_shape(drawn, (have.shape[1], have.shape[0])) > 0.4
    return float((have & want).sum() / (have | want).sum())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "HEIC"])
def test_every_kind_of_file_gives_the_ink(kind: str) -> None:
    drawn = _signature()
    mark = uploaded(_bytes(_on_paper(drawn), kind))
    assert mark.kind == "uploaded"
    assert _overlap(mark, drawn) > 0.75


@pytest.mark.parametrize("shade", [0.0, 0.4, 0.7])
def test_uneven_light_is_paper(shade: float) -> None:
    drawn = _signature()
    mark = uploaded(_bytes(_on_paper(drawn, shade=shade), "JPEG", quality=85))
    assert _overlap(mark, drawn) > 0.7
    assert float(np.mean(_alpha(mark) < 0.05)) > 0.6, "the paper is transparent"


@pytest.mark.parametrize(
    "ink", [(20, 20, 20), (40, 70, 200), (200, 30, 40), (110, 110, 115)], ids=["black", "blue", "red", "pencil"]
)
def test_the_ink_keeps_its_colour(ink: tuple[int, int, int]) -> None:
    drawn = _signature(ink=ink)
    mark = uploaded(_bytes(_on_paper(drawn, shade=0.4), "JPEG", quality=90))
    assert _overlap(mark, drawn) > 0.7
    pixels = np.asarray(_opened(mark), dtype=float)
    colour = pixels[pixels[..., 3] > 200][:, :3].mean(axis=0)
    assert np.abs(colour - ink).max() < 45


def test_a_sheet_on_a_dark_table_leaves_the_table_out() -> None:
    drawn = _signature()
    photo = Image.new("RGB", (2000, 1500), (70, 48, 35))
    photo.paste(_on_paper(drawn, shade=0.3).rotate(2, expand=True, fillcolor=(70, 48, 35)), (250, 250))
    mark = uploaded(_bytes(photo, "JPEG", quality=85))
    width, height = _opened(mark).size
    assert width > 2 * height, "only the signature is left, not the outline of the sheet"


def test_dust_far_from_the_ink_does_not_widen_the_picture() -> None:
    photo = _on_paper(_signature())
    ImageDraw.Draw(photo).ellipse((30, 30, 34, 34), fill=(60, 60, 60))
    clean, dusty = uploaded(_bytes(_on_paper(_signature()))), uploaded(_bytes(photo))
    assert _opened(clean).size == _opened(dusty).size


def test_ruled_paper_loses_its_lines() -> None:
    paper = Image.new("RGB", (1400, 900), (250, 250, 250))
    for y in range(50, 900, 60):
        ImageDraw.Draw(paper).line((0, y, 1400, y), fill=(205, 215, 235), width=2)
    drawn = _signature()
    paper.paste(drawn, (250, 300), drawn)
    assert _overlap(uploaded(_bytes(paper)), drawn) > 0.75


def test_a_transparent_picture_keeps_its_ink() -> None:
    drawn = _signature()
    assert _overlap(uploaded(_bytes(drawn)), drawn) > 0.85


def test_white_ink_made_for_dark_pages_is_made_visible() -> None:
    mark = uploaded(_bytes(_signature(ink=(255, 255, 255))))
    pixels = np.asarray(_opened(mark), dtype=float)
    assert pixels[pixels[..., 3] > 200][:, :3].mean() < 100


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "I;16", "CMYK"])
def test_every_pixel_format(mode: str) -> None:
    drawn = _signature()
    flat = Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn)
    if mode == "CMYK":
        data = _bytes(flat.convert("RGB").convert("CMYK"), "JPEG", quality=95)
    elif mode == "I;16":
        data = _bytes(Image.fromarray(np.asarray(flat.convert("L"), dtype=np.uint16) * 257))
    else:
        data = _bytes(flat.convert("L").convert(mode) if mode in ("1", "P") else flat.convert(mode))
    assert _overlap(uploaded(data), drawn) > 0.7


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_applied(kind: str, orientation: int) -> None:
    drawn = _signature()
    flat = Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn).convert("RGB")
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = flat.transpose(Image.Transpose(undo[orientation])) if orientation in undo else flat
    exif = Image.Exif()
    exif[0x0112] = orientation
    mark = uploaded(_bytes(stored, kind, exif=exif.tobytes()))
    assert _overlap(mark, drawn) > 0.7


def test_a_turned_heic_is_upright() -> None:
    drawn = _signature()
    flat = Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = flat.transpose(Image.Transpose.ROTATE_90)
    assert _overlap(uploaded(_bytes(turned, "HEIC", exif=exif.tobytes())), drawn) > 0.7


def test_all_metadata_stays_behind() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x8825] = "SecretCamera", {1: "N", 2: (48.0, 8.0, 0.0)}
    photo = _on_paper(_signature())
    texts = PngInfo()
    texts.add_text("Comment", "SecretComment")
    for data in (
        _bytes(
            photo,
            "JPEG",
            exif=exif.tobytes(),
            comment=b"SecretComment",
            icc_profile=b"SecretProfile",
            xmp=b"<x>SecretXmp</x>",
        ),
        _bytes(photo, "PNG", exif=exif.tobytes(), pnginfo=texts),
        _bytes(photo, "HEIC", exif=exif.tobytes()),
    ):
        assert b"Secret" in data
        mark = uploaded(data)
        kinds, position = [], 8
        while position < len(mark.data):
            length, name = struct.unpack(">I4s", mark.data[position : position + 8])
            kinds.append(name)
            position += 12 + length
        assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}


def test_the_picture_kept_is_small() -> None:
    mark = uploaded(_bytes(_on_paper(_signature((3000, 1000)), size=(4000, 3000), shade=0.4), "JPEG", quality=90))
    assert max(_opened(mark).size) == 640
    assert len(mark.data) < 80_000
    assert b"data" not in repr(mark).encode(), "the picture is personal data and no matter for logs"


def _bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that claims to be very large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


def _text_bomb() -> bytes:
    texts = PngInfo()
    texts.add_text("Comment", "x" * 80_000_000, zip=True)
    return _bytes(_signature(), pnginfo=texts)


_ANIMATED = [Image.new("RGB", (60, 60), colour) for colour in ("red", "blue")]


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", "empty", "empty"),
        (b"GIF89a" + bytes(50), "format", "GIF"),
        (b"%PDF-1.7\n", "format", "PDF"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "format", "SVG"),
        (b"  \n<svg/>", "format", "SVG"),
        (b"II*\x00" + bytes(50), "format", "TIFF"),
        (b"BM" + bytes(50), "format", "BMP"),
        (b"\x00\x00\x00\x1cftypavif" + bytes(50), "format", "AVIF"),
        (b"\x00\x00\x00\x1cftypisom" + bytes(50), "format", "film"),
        (b"\x00\x00\x00\x1cftypmsf1" + bytes(50), "animated", "film"),
        (b"\x00\x00\x00\x1cftypheic" + bytes(50), "damaged", "HEIC"),
        (b"hello there", "format", "unknown"),
        (_bomb(40_000, 40_000), "too-many-pixels", "more pixels"),
        (_bomb(9_000, 9_000), "too-many-pixels", "9000 x 9000"),
        (_bomb(20_001, 20), "too-many-pixels", "20001"),
        (_bomb(7_000, 7_000), "damaged", "PNG"),
        (_text_bomb(), "damaged", "PNG"),
        (bytes(decoding.MAX_BYTES + 1), "too-large", "20 MB"),
        (_bytes(_ANIMATED[0], "PNG", save_all=True, append_images=_ANIMATED[1:]), "animated", "still"),
        (_bytes(_ANIMATED[0], "WEBP", save_all=True, append_images=_ANIMATED[1:]), "animated", "still"),
        (_bytes(Image.new("RGB", (9, 9), "white")), "too-small", "9 x 9"),
        (_bytes(Image.new("RGB", (600, 300), "white")), "empty", "No signature"),
        (_bytes(Image.new("RGB", (600, 300), (120, 118, 110))), "empty", "No signature"),
        (_bytes(Image.new("RGB", (600, 300), "black")), "no-paper", "too dark"),
        (_bytes(Image.new("RGBA", (600, 300), (0, 0, 0, 0))), "empty", "No signature"),
    ],
)
def test_refused(data: bytes, code: str, says: str) -> None:
    with pytest.raises(MarkRefused, match=says) as refused:
        uploaded(data)
    assert refused.value.code == code
    assert str(refused.value).count(". ") <= 1, "one sentence, and how to go on"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "HEIC"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_a_file_cut_off_is_damaged(kind: str, share: float) -> None:
    data = _SMALL[kind]
    with pytest.raises(MarkRefused) as refused:
        uploaded(data[: int(len(data) * share)])
    assert refused.value.code in ("damaged", "format")


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["PNG", "JPEG", "WEBP", "HEIC"]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=12),
)
def test_a_damaged_file_is_a_mark_or_a_refusal(kind: str, damage: list[tuple[float, int]]) -> None:
    data = bytearray(_SMALL[kind])
    for place, value in damage:
        data[int(place * (len(data) - 1))] = value
    try:
        mark = uploaded(bytes(data))
    except MarkRefused:
        return
    assert mark.data.startswith(b"\x89PNG")


_SMALL = {
    kind: _bytes(_on_paper(_signature((300, 100)), size=(400, 200)), kind) for kind in ("PNG", "JPEG", "WEBP", "HEIC")
}


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(MarkRefused):
        uploaded(data)


def _stamp() -> Image.Image:
    picture = Image.new("RGBA", (600, 600), (0, 0, 0, 0))
    draw, red = ImageDraw.Draw(picture), (170, 25, 40, 255)
    draw.ellipse((15, 15, 585, 585), outline=red, width=24)
    draw.rectangle((140, 250, 460, 350), fill=red)
    return picture


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "HEIC"])
def test_a_stamp_keeps_its_solid_parts_and_colour(kind: str) -> None:
    drawn = _stamp()
    mark = stamp(_bytes(_on_paper(drawn, size=(1200, 1000), shade=0.4), kind))
    assert mark.kind == "stamp"
    assert _overlap(mark, drawn) > 0.85
    pixels = np.asarray(_opened(mark), dtype=float)
    assert np.abs(pixels[pixels[..., 3] > 200][:, :3].mean(axis=0) - (170, 25, 40)).max() < 45


def test_a_transparent_stamp_keeps_its_pixels() -> None:
    assert _overlap(stamp(_bytes(_stamp())), _stamp()) > 0.95
