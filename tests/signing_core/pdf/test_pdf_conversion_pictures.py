"""Pictures as pages: upright, on the house's paper, as they were encoded where that is safe, or refused in one sentence."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageDraw
from pypdf import PdfReader

from signing_core import picture_files
from signing_core.desk import taking_in
from signing_core.errors import DocumentRefused, UsageError
from signing_core.pdf import conversion, render
from signing_core.pdf.conversion import File, jpeg
from signing_core.pdf.prepare import FieldRequest, PrepareRequest

A4, LETTER = (595, 842), (612, 792)
GPS = 0x8825


def photo(width: int = 900, height: int = 1200) -> Image.Image:
    """Upright, another colour in each corner."""
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    for colour, x, y in (("red", 0, 0), ("green", 1, 0), ("blue", 0, 1), ("black", 1, 1)):
        draw.rectangle((x * width * 0.8, y * height * 0.8, (x + 1) * width * 0.8, (y + 1) * height * 0.8), fill=colour)
        draw.rectangle((width * 0.2, height * 0.2, width * 0.8, height * 0.8), fill="white")
    return picture


def written(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    if kind == "HEIC":
        pillow_heif.from_pillow(picture).save(out, quality=90, enc_params={"preset": "ultrafast"}, **options)
    else:
        picture.save(out, kind, **options)
    return out.getvalue()


def turned(orientation: int) -> bytes:
    """As a camera saves it that was held another way."""
    undo = picture_files.TURNS.get(orientation)
    back = {
        Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270,
        Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90,
    }
    stored = photo() if undo is None else photo().transpose(back.get(undo, undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.get_ifd(GPS)[1] = "N"
    return written(stored, "JPEG", quality=90, exif=exif, comment=b"where it was taken")


def pages(*files: bytes | tuple[str, bytes], paper: str = "a4") -> conversion.Converted:
    given = [File(*file) if isinstance(file, tuple) else File("photo.jpg", file) for file in files]
    return conversion.to_pdf(given, paper=paper)  # type: ignore[arg-type]


def corners(pdf: bytes, page: int = 1) -> list[tuple[int, ...]]:
    """The colours in the corners of what is not white."""
    picture = render.render(pdf, page, dpi=72).convert("RGB")
    left, top, right, bottom = Image.eval(picture, lambda tone: 255 - tone).getbbox() or (0, 0, 0, 0)
    points = ((left + 9, top + 9), (right - 9, top + 9), (left + 9, bottom - 9), (right - 9, bottom - 9))
    return [picture.getpixel(point) for point in points]  # type: ignore[misc]


def alike(found: list[tuple[int, ...]]) -> bool:
    wanted = np.array([(255, 0, 0), (0, 128, 0), (0, 0, 255), (0, 0, 0)])
    return bool((np.abs(np.array(found) - wanted) < 40).all())


def image(pdf: bytes) -> dict[str, object]:
    resources = PdfReader(io.BytesIO(pdf)).pages[0]["/Resources"]
    return resources["/XObject"]["/Picture"]  # type: ignore[index,no-any-return]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_stands_upright_as_it_was_encoded(orientation: int) -> None:
    data = turned(orientation)
    made = pages(data).pdf
    assert alike(corners(made)) and PdfReader(io.BytesIO(made)).pages[0].mediabox.height > 800
    own = image(made)._data  # type: ignore[attr-defined]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(own))), np.asarray(Image.open(io.BytesIO(data))))
    assert b"Exif" not in made and b"where it was taken" not in made  # nor the place where it was taken


@pytest.mark.parametrize("kind", ["PNG", "HEIC", "TIFF", "WEBP"])
def test_other_pictures_become_pages_by_their_content(kind: str) -> None:
    made = pages(("scan.pdf", written(photo(), kind, **({"lossless": True} if kind == "WEBP" else {}))))
    assert alike(corners(made.pdf))
    assert made.made_from is not None
    (file,) = made.made_from.files
    assert (file.name, file.format) == ("scan.pdf", kind.lower())


def test_a_heic_is_turned_by_its_own_boxes() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert alike(corners(pages(written(photo().transpose(Image.Transpose.ROTATE_90), "HEIC", exif=exif.tobytes())).pdf))


def test_several_pictures_become_pages_in_the_order_given() -> None:
    upright, lying = turned(6), written(photo(1200, 900), "PNG")
    made = pages(("b.jpg", upright), ("a.png", lying), ("c.jpg", upright))
    boxes = [page.mediabox for page in PdfReader(io.BytesIO(made.pdf)).pages]
    assert [box.width > box.height for box in boxes] == [False, True, False]
    assert made.made_from is not None
    assert [file.name for file in made.made_from.files] == ["b.jpg", "a.png", "c.jpg"]
    assert made.made_from.sentence("en") == "Its pages are made from 3 pictures (JPEG, PNG)."
    assert made.made_from.sentence("de") == "Die Seiten sind aus 3 Bildern gemacht (JPEG, PNG)."
    assert made.pdf == pages(("x", upright), ("y", lying), ("z", upright)).pdf


@pytest.mark.parametrize(("paper", "size"), [("a4", A4), ("letter", LETTER)])
def test_pages_are_the_houses_paper(paper: str, size: tuple[int, int]) -> None:
    box = PdfReader(io.BytesIO(pages(turned(1), paper=paper).pdf)).pages[0].mediabox
    assert (round(float(box.width)), round(float(box.height))) == size


def test_a_scan_fills_its_page_and_a_small_picture_is_not_blown_up() -> None:
    scan = pages(written(Image.new("L", (1240, 1754), 0), "PNG")).pdf
    assert np.asarray(render.render(scan, 1, dpi=36).convert("L")).mean() < 3
    small = pages(written(Image.new("L", (100, 100), 0), "PNG")).pdf
    assert int((np.asarray(render.render(small, 1, dpi=72).convert("L")) < 128).sum()) == pytest.approx(
        10_000, rel=0.05
    )


def test_every_page_of_a_tiff_is_taken_and_its_preview_is_not() -> None:
    first, second, preview = (Image.new("L", (600, 800), tone) for tone in (0, 128, 200))
    out = io.BytesIO()
    preview.encoderinfo = {"tiffinfo": {254: 1}}
    first.save(out, "TIFF", save_all=True, append_images=[preview, second])
    made = pages(out.getvalue()).pdf
    assert [render.render(made, page, dpi=10).convert("L").getpixel((40, 60)) for page in (1, 2)] == [0, 128]
    assert render.page_count(made) == 2


def test_a_fax_has_points_that_are_higher_than_wide() -> None:
    picture = Image.new("1", (1728, 1143), 1)
    ImageDraw.Draw(picture).ellipse((600, 300, 1008, 496), fill=0)
    made = pages(written(picture, "TIFF", compression="group4", dpi=(204, 98))).pdf
    left, top, right, bottom = (
        Image.eval(render.render(made, 1, dpi=72).convert("L"), lambda t: 255 - t).getbbox() or (0,) * 4
    )
    assert right - left == pytest.approx(bottom - top, abs=3)
    assert image(made)["/BitsPerComponent"] == 1 and len(made) < 20_000


def test_what_a_picture_lets_through_is_white() -> None:
    made = pages(written(Image.new("RGBA", (800, 800), (0, 0, 255, 0)), "PNG")).pdf
    assert np.asarray(render.render(made, 1, dpi=20).convert("L")).min() == 255
    deep = pages(written(Image.new("I;16", (800, 800), 40_000), "PNG")).pdf
    assert render.render(deep, 1, dpi=20).convert("L").getpixel((80, 110)) == pytest.approx(156, abs=2)


def test_a_jpeg_that_programs_read_differently_is_encoded_anew() -> None:
    plain = written(photo(), "JPEG")
    assert jpeg.bare(plain) is not None and jpeg.bare(written(photo(), "JPEG", progressive=True)) is not None
    cmyk = written(photo().convert("CMYK"), "JPEG")
    rgb = plain[:2] + b"\xff\xee\x00\x0eAdobe\x00\x64\0\0\0\0\x00" + plain[2:]  # transform 0: RGB
    for odd in (cmyk, rgb, plain.replace(b"\xff\xc0", b"\xff\xc9", 1), plain[:-2], plain[:400], b"\xff\xd8\xff"):
        assert jpeg.bare(odd) is None
    made = pages(cmyk).pdf
    assert image(made)["/ColorSpace"] == "/DeviceRGB" and alike(corners(made))


def test_a_second_picture_behind_the_first_is_left_out() -> None:
    first, second = written(photo(), "JPEG"), written(Image.new("RGB", (500, 500), "red"), "JPEG")
    assert jpeg.bare(first + second) == jpeg.bare(first)


def test_photographs_pass_their_rehearsal() -> None:
    request = PrepareRequest(
        document_id="01KAX9YJ7M3RP2S5T8V1W4X6Z0",
        title="Sample contract",
        language="en",
        fields=(FieldRequest("first-party", "A B"), FieldRequest("client", "C D")),
    )
    made = pages(turned(6), written(photo(1200, 900), "HEIC"))
    taken = taking_in.take_in(made.pdf, request, name="photos", names={"first-party": "A B", "client": "C D"})
    assert taken.prepared.pages == 3 and not taken.differences


def png(width: int, height: int) -> bytes:
    """All black, of whatever size, in few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(height * (width // 8 + 1)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (60, 60), colour) for colour in ("red", "green", "blue")]
    return written(frames[0], kind, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("data", "name", "code", "says"),
    [
        (turned(1)[:9000], "cut.jpg", "damaged", "cut off or damaged"),
        (written(photo(), "PNG")[:2000], "cut.png", "damaged", "cut off or damaged"),
        (png(30_000, 30_000), "bomb.png", "too-many-pixels", "more than 64 million points"),
        (png(21_000, 10), "long.png", "too-many-pixels", "20,000 on a side"),
        (animated("GIF"), "moving.gif", "format", "is a GIF picture; take a JPEG, PNG, HEIC, TIFF or WebP"),
        (animated("PNG"), "moving.png", "animated", "save the one picture"),
        (animated("WEBP"), "moving.webp", "animated", "save the one picture"),
        (written(photo(), "BMP"), "scan.bmp", "format", "is a BMP picture"),
        (b"\0\0\0\x20ftypisom" + bytes(100), "clip.mp4", "format", "is a film"),
        (written(photo(), "TIFF", tiffinfo={50706: b"\x01\x04\0\0"}), "raw.dng", "format", "raw picture"),
    ],
)
def test_a_picture_that_cannot_be_taken_is_refused_in_one_sentence(
    data: bytes, name: str, code: str, says: str
) -> None:
    with pytest.raises(DocumentRefused) as caught:
        pages((name, data))
    assert caught.value.code == code and says in str(caught.value)
    assert str(caught.value).startswith(f"{name} ") and str(caught.value).endswith(".")


def test_a_picture_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion.converting, "_PICTURE_SECONDS", 0.1)
    slow = written(Image.effect_noise((1000, 1000), 60).resize((7900, 7900)), "PNG", compress_level=9)
    monkeypatch.setattr(conversion.converting, "_SECONDS_A_MEGABYTE", 0.0)
    with pytest.raises(DocumentRefused, match=r"noise\.png cannot be taken in: .*processor time") as caught:
        pages(("noise.png", slow))
    assert caught.value.code == "too-costly"


def test_only_pictures_go_together() -> None:
    with pytest.raises(UsageError, match=r"terms\.pdf is no picture"):
        pages(turned(1), ("terms.pdf", b"%PDF-1.7\n"))
    made = pages(("terms.pdf", b"%PDF-1.7\n"))
    assert made == conversion.Converted(b"%PDF-1.7\n", None)
