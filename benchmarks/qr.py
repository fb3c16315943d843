"""How much is read, and how long it takes: zxing-cpp bare, ours, zbar.

    python benchmarks/qr.py [CORPUS_FOLDER]

(1) photographed codes with expected texts, where a folder of them is given or lies at ../shared/corpus/qr; (2) 62 seeded
variants of a rendered certificate; (3) the time of typesetting, of writing the code and of both readers' check. Foreign
pictures never go to zbar; it sees only what was rendered here. A text other than the expected one counts as wrong.
"""

from __future__ import annotations

import dataclasses
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import degraded
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from signing_core import typesetting
from signing_core.certificate import page, payload, qr_writer, readback
from signing_core.certificate.facts import AuthorityFacts, CertificateData, CodeEvent, PartyFacts
from signing_core.certificate.readers import ZbarReader, ZxingReader
from signing_core.certificate.scan import scan
from signing_core.pdf import render

Read = Callable[[Image.Image], list[str]]


def bare(image: Image.Image) -> list[str]:
    return [
        code.text
        for code in zxingcpp.read_barcodes(
            image.convert("L"), formats=zxingcpp.BarcodeFormat.QRCode, text_mode=zxingcpp.TextMode.Plain
        )
    ]


def ours(image: Image.Image) -> list[str]:
    return [code.text for code in ZxingReader().read(image)]


def zbar(image: Image.Image) -> list[str]:
    return [code.text for code in ZbarReader().read(image)]


@dataclasses.dataclass
class Score:
    read: int = 0
    wrong: int = 0
    seconds: float = 0.0

    def add(self, reader: Read, image: Image.Image, expected: str) -> bool:
        started = time.perf_counter()
        found = reader(image)
        self.seconds += time.perf_counter() - started
        self.read += expected in found
        self.wrong += bool(found) and expected not in found
        return expected in found


def corpus(folder: Path) -> None:
    scores = {"zxing-cpp bare": Score(), "ours": Score()}
    count = 0
    for picture in sorted(p for p in folder.glob("*/*") if p.suffix in (".png", ".jpg", ".webp")):
        expectation = picture.with_suffix(".txt")
        if not expectation.exists():
            continue
        expected = expectation.read_bytes().decode()
        with Image.open(picture) as image:
            image.load()
            scores["zxing-cpp bare"].add(bare, image, expected)
            scores["ours"].add(ours, image, expected)
        count += 1
    print(f"\nPhotographed codes: {count}")
    table(scores, count)


def certificates(image: Image.Image, expected: str) -> None:
    readers: dict[str, Read] = {"zxing-cpp bare": bare, "ours": ours}
    if ZbarReader().unavailable is None:
        readers["zbar"] = zbar
    scores = {name: Score() for name in readers}
    by_kind: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    count = 0
    for kind, _, variant in degraded.variants(image):
        count += 1
        by_kind[kind]["of"] += 1
        for name, reader in readers.items():
            by_kind[kind][name] += scores[name].add(reader, variant, expected)
    print(f"\nRendered certificates, degraded: {count}")
    table(scores, count)
    print(f"\n{'':<14}" + "".join(f"{name:>16}" for name in readers) + f"{'of':>6}")
    for kind, counts in by_kind.items():
        print(f"{kind:<14}" + "".join(f"{counts[name]:>16}" for name in readers) + f"{counts['of']:>6}")


def table(scores: dict[str, Score], count: int) -> None:
    print(f"{'':<16}{'read':>6}{'wrong':>7}{'ms each':>10}")
    for name, score in scores.items():
        print(f"{name:<16}{score.read:>6}{score.wrong:>7}{score.seconds / count * 1000:>10.1f}")


def speed(data: CertificateData, key: Ed25519PrivateKey, url: str) -> None:
    image = render.render(page.typeset(data, url, "en"), 1, dpi=readback.DPI)
    inputs = page._inputs(data, url, "en")
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
        "scan of the rendered page": lambda: scan(image, keys=[key.public_key()]),
    }
    print(f"\n{'Milliseconds':<34}{'median':>8}{'best':>8}")
    for name, run in work.items():
        times = []
        for _ in range(15):
            started = time.perf_counter()
            run()
            times.append((time.perf_counter() - started) * 1000)
        print(f"{name:<34}{statistics.median(times):>8.1f}{min(times):>8.1f}")


def sample() -> tuple[CertificateData, Ed25519PrivateKey, str]:
    key = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)

    class Key:
        public_key = key.public_key()
        key_id = payload.key_id(key.public_key())

        def sign(self, data: bytes) -> bytes:
            return key.sign(data)

    now = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    codes = (
        CodeEvent("sent", 1, now),
        CodeEvent("failed", 1, now),
        CodeEvent("sent", 2, now),
        CodeEvent("confirmed", 2, now),
    )
    parties = tuple(
        PartyFacts(role, name, "Sample Seals GmbH", "s•••@example.org", "email", now, now, codes, now, now, "name")
        for role, name in (("first-party", "Sample Director"), ("client", "Sample Client"))
    )
    data = CertificateData(
        "01KAXB2M5T4QW8Z3N6V7C9D0EF",
        "01KAX9YJ7M3RP2S5T8V1W4X6Z0",
        "Sample agreement",
        5,
        "Sample Seals GmbH",
        "sign.example.org",
        now,
        "3e" * 32,
        183456,
        parties,  # type: ignore[arg-type]
        AuthorityFacts("Sample time-stamping", True),
        "ab" * 32,
        Key.key_id.hex(),
        now,
        1234,
    )
    claims = payload.QrClaims(
        data.host,
        now,
        data.certificate_id,
        data.document_id,
        bytes.fromhex(data.signed_sha256),
        data.signed_length,
        2,
        1234,
    )
    return data, key, payload.to_url(payload.sign(claims, Key()), data.host)


def main() -> None:
    data, key, url = sample()
    symbol = qr_writer.write(url)
    print(
        f"The code: {len(url)} characters, version {symbol.version}-Q, {symbol.modules} modules of {symbol.module_mm:.2f} mm"
    )
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "shared" / "corpus" / "qr"
    if folder.is_dir():
        corpus(folder)
    else:
        print(f"\nPhotographed codes: left out, there is no {folder}")
    certificates(render.render(page.typeset(data, url, "en"), 1, dpi=degraded.DPI), url)
    speed(data, key, url)


if __name__ == "__main__":
    main()
