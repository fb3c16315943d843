"""Reports: each format holds every document once, and nothing that a document says can break out of it."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import browsers
import pytest
import signed_samples as made
from signed_samples import NOW

from signing_core.errors import UsageError
from signing_core.verdict import DocumentVerdict
from signing_core.verification import verify
from signing_core.verification.reports import writer
from signing_core.verification.reports.interface import atomic
from signing_core.verification.reports.rows import COLUMNS
from signing_core.verification.reports.words import WORDS

HOSTILE = '=HYPERLINK("x")</script><script>alert(1)</script>\x1b[31m\udcff.pdf'


@pytest.fixture(scope="module")
def verdicts(world) -> list[DocumentVerdict]:
    signed = verify(made.signed(world.signer, stamp=world.stamp()), at=NOW, trust=world.trust)
    altered = verify(made.signed(world.signer).replace(b"595 842", b"595 843", 1), at=NOW, trust=world.trust)
    unsigned = verify(made.Pdf.new().data, at=NOW)
    return [
        dataclasses.replace(signed, path="contract.pdf"),
        dataclasses.replace(altered, path=HOSTILE),
        dataclasses.replace(unsigned, path="empty.pdf"),
    ]


def written(kind: str, verdicts: list[DocumentVerdict], **more: object) -> bytes:
    stream = io.BytesIO()
    report = writer(kind, stream, **more)  # type: ignore[arg-type]
    for verdict in verdicts:
        report.write(verdict)
    report.close()
    return stream.getvalue()


def test_jsonl_is_the_contract(verdicts: list[DocumentVerdict]) -> None:
    lines = written("jsonl", verdicts).decode().splitlines()
    parsed = [json.loads(line) for line in lines]
    assert parsed[0] == json.loads(json.dumps(verdicts[0].to_json()))
    assert [entry["integrity"] for entry in parsed] == ["intact", "altered", "unsigned"]


def test_csv_defuses_formulas(verdicts: list[DocumentVerdict]) -> None:
    rows = list(csv.DictReader(io.StringIO(written("csv", verdicts).decode())))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["signers"] == "Sample Signer"
    assert (rows[0]["levels"], rows[0]["first_proven_time"]) == ("B-T", "2026-06-01T12:00:00Z")
    assert rows[1]["path"].startswith("'=HYPERLINK")
    assert "digest-mismatch" in rows[1]["errors"]
    assert rows[2]["signatures"] == "0"


def test_parquet_keeps_types_and_nesting(verdicts: list[DocumentVerdict], tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    file = tmp_path / "report.parquet"
    file.write_bytes(written("parquet", verdicts * 700))
    table = pq.read_table(file)
    assert table.num_rows == 2100
    first = table.slice(0, 1).to_pylist()[0]
    assert first["at"] == NOW
    assert first["signatures"][0]["proven_time"] == NOW
    assert first["signatures"][0]["byte_range"] == list(verdicts[0].signatures[0].byte_range or ())
    assert pq.ParquetFile(file).num_row_groups == 3


@pytest.mark.parametrize("kind", ["jsonl", "csv", "table", "html", "parquet"])
def test_no_document_at_all(kind: str) -> None:
    assert isinstance(written(kind, []), bytes)


@pytest.mark.parametrize("language", ["en", "de"])
def test_table(language: str, verdicts: list[DocumentVerdict]) -> None:
    text = written("table", verdicts, language=language).decode()
    words = WORDS[language]
    for state in ("intact", "altered", "unsigned"):
        assert words[state] in text
    assert "TOTAL-FAILED / HASH_FAILURE" in text
    assert "digest-mismatch" in text
    assert "\x1b" not in text
    assert text.splitlines()[-1].startswith("3 ")


def test_table_in_colour(verdicts: list[DocumentVerdict]) -> None:
    assert b"\x1b[" in written("table", verdicts[:1], colour=True)


def test_both_languages_have_the_same_words() -> None:
    assert set(WORDS["en"]) == set(WORDS["de"])


@pytest.mark.parametrize("language", ["en", "de"])
def test_html_is_self_contained_and_inert(language: str, verdicts: list[DocumentVerdict]) -> None:
    page = written("html", verdicts, language=language).decode()
    assert f'<html lang="{language}">' in page
    assert page.count("<script") == page.count("</script>") == 3
    assert "alert(1)</script>" not in page
    assert "http://" not in page and "https://" not in page
    assert "default-src 'none'" in page
    start = page.index('id="data">') + len('id="data">')
    rows = json.loads(page[start : page.index("</script>", start)])[1:]
    assert [row["integrity"] for row in rows] == ["intact", "altered", "unsigned"]
    assert rows[1]["path"] == HOSTILE
    assert any(finding[1] == "digest-mismatch" for finding in rows[1]["findings"])


def test_html_script_is_the_one_that_the_policy_allows(verdicts: list[DocumentVerdict]) -> None:
    import base64
    import hashlib
    import re

    page = written("html", verdicts).decode()
    script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)[0]
    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)[0]
    for part in (script, style):
        assert base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() in page


def test_unknown_format() -> None:
    with pytest.raises(UsageError, match="xml"):
        writer("xml", io.BytesIO())


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    file.write_text("old")
    with atomic(file) as stream:
        stream.write(b"new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    with pytest.raises(RuntimeError), atomic(file) as stream:
        stream.write(b"half")
        raise RuntimeError
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.slow
def test_html_in_a_browser_shows_exceptions_first_and_filters(
    verdicts: list[DocumentVerdict], playwright: Any, tmp_path: Path
) -> None:
    (tmp_path / "report.html").write_bytes(written("html", verdicts))
    complaints: list[str] = []
    browser = browsers.chromium(playwright)
    page = browser.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((tmp_path / "report.html").as_uri())
    assert page.locator("tbody .state").all_text_contents() == ["ALTERED", "UNSIGNED", "INTACT"]
    assert page.locator("tbody .reason").first.text_content() not in ("", "–")
    page.locator("select").first.select_option("intact")
    assert page.locator("tbody tr").count() == 1
    page.locator("select").first.select_option("")
    page.locator("th button").first.click()
    assert page.locator("th").first.get_attribute("aria-sort") == "ascending"
    page.locator("summary").first.click()
    page.locator("details[open] dl").first.wait_for()
    browser.close()
    assert complaints == []
