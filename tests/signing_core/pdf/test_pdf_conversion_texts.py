"""Texts of word processors: set by LibreOffice, from which nothing is fetched and in which nothing runs, or refused in one sentence."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import office_files as make
import pytest
from PIL import Image

from signing_core import limited
from signing_core.desk import taking_in
from signing_core.errors import DocumentRefused, UsageError
from signing_core.limited import fence
from signing_core.pdf import conversion, render
from signing_core.pdf.conversion import File, office
from signing_core.pdf.conversion import texts as text_files
from signing_core.pdf.prepare import FieldRequest, PrepareRequest

AGREEMENT = (make.paragraph("Sample agreement"), *(make.paragraph(f"Clause {n}: 1,000 EUR") for n in range(1, 80)))
REQUEST = PrepareRequest(
    document_id="01KAX9YJ7M3RP2S5T8V1W4X6Z0",
    title="Sample contract",
    language="en",
    fields=(FieldRequest("first-party", "Sample Director"), FieldRequest("client", "Sample Client")),
)


@pytest.fixture(scope="module", autouse=True)
def installed() -> Path:
    program = office.installed()
    if program is None:
        pytest.skip("libreoffice-writer-nogui is not installed")
    return program


def converted(data: bytes, name: str = "offer", **more: bool) -> conversion.Converted:
    return conversion.to_pdf([File(name, data)], paper="a4", **more)


def texts(pdf: bytes) -> str:
    return "\n".join(render.text(pdf, page) for page in range(1, render.page_count(pdf) + 1))


def by_libreoffice(program: Path, data: bytes, kind: str, folder: Path) -> bytes:
    """Saved as another kind by a LibreOffice with no settings of ours."""
    (folder / "a").write_bytes(data)
    command = [program, "--headless", f"-env:UserInstallation={(folder / 'profile').as_uri()}"]
    for arguments in (
        ["--terminate_after_init"],
        ["--convert-to", f"doc:{kind}", "--outdir", folder / "out", folder / "a"],
    ):
        subprocess.run([*command, *arguments], check=True, capture_output=True, timeout=600)
    return (folder / "out" / "a.doc").read_bytes()


def test_every_kind_of_text_becomes_pages_by_its_content(installed: Path, tmp_path: Path) -> None:
    word = make.docx(*AGREEMENT)
    given = {
        "docx": word,
        "odt": make.odt("<text:p>Sample agreement</text:p>"),
        "rtf": make.rtf(),
        "doc": by_libreoffice(installed, word, "MS Word 97", tmp_path),
    }
    for format, data in given.items():
        made = converted(data, "offer.pdf")  # whatever it is called
        assert "Sample agreement" in texts(made.pdf), format
        assert made.made_from is not None
        assert [file.format for file in made.made_from.files] == [format]
        assert re.fullmatch(r"LibreOffice [\d.]+", made.made_from.program)
        assert "LibreOffice" in made.made_from.sentence("en") and "umgewandelt" in made.made_from.sentence("de")


@pytest.fixture
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Fails when something of the work is left; others on this machine may have LibreOffice running."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    before = {*Path("/tmp").glob("OSL_PIPE*")}

    def check() -> None:
        assert not any((tmp_path / "temporary").iterdir())
        for called in {*Path("/tmp").glob("OSL_PIPE*")} - before:
            while called.exists():
                time.sleep(0.1)

    return check


def test_a_text_passes_its_rehearsal_and_nothing_of_the_work_stays(clean: Callable[[], None]) -> None:
    made = converted(make.docx(*AGREEMENT))
    clean()
    taken = taking_in.take_in(made.pdf, REQUEST, name="offer.docx", names={"first-party": "A B", "client": "C D"})
    assert taken.prepared.pages == render.page_count(made.pdf) + 1 == 3 and not taken.differences


class Listening:
    """A socket that counts who comes."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.came: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self.socket.accept()
            except OSError:
                return
            with caller:
                self.came.append(caller.recv(200))
                caller.sendall(b"HTTP/1.0 404 Not Found\r\n\r\n")


@pytest.fixture
def listening() -> Iterator[Listening]:
    made = Listening()
    yield made
    made.socket.close()


@pytest.mark.slow
@pytest.mark.parametrize("fenced", [True, False])
def test_nothing_is_fetched_for_a_text(
    listening: Listening, fenced: bool, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here without the network of its own that a limited process has: what keeps LibreOffice from it is its profile and the fence."""
    if fenced and not fence.version():
        pytest.skip("this kernel has no Landlock")
    secret = tmp_path / "secret.png"
    Image.new("RGB", (50, 50), "red").save(secret)
    remote, local = f"http://127.0.0.1:{listening.port}/x", secret.as_uri()
    fields = [
        f'{command} "{target}"{end}'
        for command, end in (("INCLUDEPICTURE", r" \\d"), ("INCLUDETEXT", ""), ("LINK Word.Document.8", r" \\a"))
        for target in (remote, local)
    ]
    word = make.docx(
        make.linked("r1"), make.linked("r2"), *(make.field(one) for one in fields), links={"r1": remote, "r2": local}
    )
    given = {
        "docx": word,
        "odt": make.odt_links(remote, local),
        "rtf": make.rtf(*fields),
        "doc": by_libreoffice(installed, word, "MS Word 97", tmp_path),
    }
    assert listening.came  # LibreOffice as it comes does ask
    listening.came.clear()
    if not fenced:
        monkeypatch.setattr(fence, "version", lambda: 0)
    for format, data in given.items():
        folder = tmp_path / f"private {format}"
        folder.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        if format == "rtf" and not fenced:
            with pytest.raises(DocumentRefused, match="can show files of this machine"):
                office.to_pdf(data, "offer.rtf", False)
            continue
        made = office.to_pdf(data, "offer", False)["pdf"]
        assert not listening.came, format
        page = render.render(made, 1, dpi=30).convert("RGB")
        assert (255, 0, 0) not in {colour for _, colour in page.getcolors(1 << 20) or ()}, format


def test_the_author_is_told_of_what_is_only_linked() -> None:
    linked = {
        "docx": make.docx(make.linked("r1"), links={"r1": "https://example.org/x.png"}),
        "odt": make.odt_links("https://example.org/x", "file:///x.png"),
        "rtf": make.rtf(r'INCLUDEPICTURE "https://example.org/x.png" \\d'),
    }
    for format, data in linked.items():
        assert text_files.links(data, format), format
    for format, data in (("docx", make.docx(*AGREEMENT)), ("odt", make.odt("<text:p>A</text:p>")), ("rtf", make.rtf())):
        assert not text_files.links(data, format), format
    origin = converted(linked["docx"]).made_from
    assert origin is not None and origin.linked
    assert "only linked" in origin.sentence("en") and "nur verknüpft" in origin.sentence("de")
    assert conversion.MadeFrom.from_json(origin.to_json(), ["offer"]) == origin


def test_macros_do_not_run(tmp_path: Path) -> None:
    made = converted(make.odt_with_macro(str(tmp_path / "ran")))
    assert "Before the macro" in texts(made.pdf) and not (tmp_path / "ran").exists()
    profile = office._profile(form=False)
    for key, value in (
        ("MacroSecurityLevel", "3"),
        ("DisableMacrosExecution", "true"),
        ("BlockUntrustedRefererLinks", "true"),
    ):
        assert f'"{key}" oor:op="fuse"><value>{value}<' in profile


def test_controls_of_a_text_become_fields_only_for_a_form() -> None:
    control = "<w:sdt><w:sdtPr><w:tag w:val='who'/><w:dropDownList><w:listItem w:value='A'/><w:listItem w:value='B'/></w:dropDownList></w:sdtPr>"
    data = make.docx(make.paragraph("Who:"), f"{control}<w:sdtContent>{make.paragraph('A')}</w:sdtContent></w:sdt>")
    assert b"/AcroForm" not in converted(data).pdf
    assert "Who:" in texts(converted(data, form=True).pdf)


def zeros(path: Path) -> bytes:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("word/document.xml", "w") as part:
        for _ in range(600):
            part.write(bytes(1 << 20))
    return path.read_bytes()


def refused(data: bytes, name: str) -> DocumentRefused:
    with pytest.raises(DocumentRefused) as caught:
        converted(data, name)
    assert str(caught.value).startswith(f"{name} ") and str(caught.value).count(".") <= 3
    return caught.value


@pytest.mark.parametrize(
    ("data", "name", "code", "says"),
    [
        (make.compound("EncryptionInfo", "EncryptedPackage"), "secret.docx", "password", "save a copy without it"),
        (make.compound("WordDocument", flags=0x0100), "secret.doc", "password", "save a copy without it"),
        (make.odt("", manifest="<manifest:encryption-data/>"), "secret.odt", "password", "save a copy without it"),
        (make.package({"a.txt": "hello"}), "papers.zip", "format", "ZIP file and no document"),
        (make.package({"xl/workbook.xml": "<x/>"}), "prices.docx", "format", "spreadsheet; print what"),
        (make.package({"ppt/presentation.xml": "<x/>"}), "talk.pptx", "format", "presentation; print what"),
        (make.odt("", kind="spreadsheet"), "prices.ods", "format", "spreadsheet"),
        (make.compound("Workbook"), "prices.xls", "format", "spreadsheet"),
        (make.docx(*AGREEMENT)[:1200], "cut.docx", "damaged", "cut off or damaged"),
        (make.docx("<w:p>", "</w:r>"), "broken.docx", "damaged", "could not be set by LibreOffice"),
    ],
)
def test_a_text_that_cannot_be_taken_is_refused_in_one_sentence(data: bytes, name: str, code: str, says: str) -> None:
    error = refused(data, name)
    assert error.code == code and says in str(error)


def test_a_text_packed_from_gigabytes_of_zeros_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    error = refused(zeros(tmp_path / "zeros.docx"), "zeros.docx")
    assert error.code == "too-large" and "256 MB" in str(error)


def test_a_text_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch, clean: Callable[[], None]) -> None:
    long = make.docx(*(make.paragraph(f"Clause {number} " * 8) for number in range(60_000)))
    monkeypatch.setattr(conversion.converting, "_TEXT_SECONDS", 1.0)
    error = refused(long, "long.docx")
    assert error.code == "too-costly" and "processor time" in str(error)
    clean()


def test_without_libreoffice_the_way_on_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    limited.calling._end_all()
    error = refused(make.docx(*AGREEMENT), "offer.docx")
    assert error.code == "no-converter"
    assert "File > Save As > PDF (Datei > Speichern unter > PDF)" in str(error)


def test_a_text_is_no_page_of_several() -> None:
    with pytest.raises(UsageError, match=r"b\.docx is no picture"):
        conversion.to_pdf([File("a.rtf", make.rtf()), File("b.docx", make.docx())][::-1], paper="a4")


def test_the_program_is_found(installed: Path) -> None:
    assert installed.is_file() and shutil.which("soffice")
