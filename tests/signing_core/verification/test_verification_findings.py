"""The catalogue of findings, the page in the docs, and the code that reports them: all three say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from signing_core.verification.findings import CATALOGUE, make, markdown

ROOT = Path(__file__).parents[3]
CODE = re.compile(r'"([a-z][a-z0-9]*(?:-[a-z0-9]+)+)"')
SOURCES = [
    *sorted(file for file in (ROOT / "signing_core/verification").rglob("*.py") if file.parent.name != "wording"),
    *sorted((ROOT / "signing_core/pdf/structure").glob("*.py")),
]
PREFIXES = (
    "byte-range-",
    "change-",
    "cms-",
    "contents-",
    "limit-",
    "qr-",
    "registry-",
    "seal-",
    "signature-",
    "time-stamp-",
    "xref-",
)


def words_in(files: list[Path]) -> set[str]:
    return {code for file in files if file.name != "findings_catalogue.py" for code in CODE.findall(file.read_text())}


def test_the_page_is_what_the_catalogue_says() -> None:
    page = ROOT / "docs/findings.md"
    assert page.read_text() == markdown(), (
        "write it anew: python -m signing_core.verification.findings > docs/findings.md"
    )


def test_every_check_in_the_documentation_has_its_test() -> None:
    rows = re.findall(r"\| `(\w+)`: `(test_\w+)` \|", (ROOT / "docs/verification.md").read_text())
    assert rows
    for module, name in rows:
        assert f"def {name}(" in (Path(__file__).parent / f"test_verification_{module}.py").read_text(), name


@pytest.mark.parametrize("page", ["verification", "network", "readings"])
def test_every_test_that_the_documentation_names_is_there(page: str) -> None:
    named = set(re.findall(r"`(test_\w+[a-z0-9])`", (ROOT / f"docs/{page}.md").read_text()))
    sources = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    assert named
    assert {name for name in named if f"def {name}(" not in sources} == set()


def test_every_code_in_the_source_is_in_the_catalogue() -> None:
    missing = {code for code in words_in(SOURCES) if code.startswith(PREFIXES)} - set(CATALOGUE)
    assert missing - NO_CODES == set()


def test_severities_in_the_source_are_those_of_the_catalogue() -> None:
    """Where a code and its severity stand side by side; the change analysis has most from the rules of each signature."""
    said = [pair for file in SOURCES for pair in re.findall(r'"([a-z0-9-]+)",\s*Severity\.(\w+)', file.read_text())]
    assert len(said) > 20
    assert [(code, severity) for code, severity in said if CATALOGUE[code].severity != severity.lower()] == []


@pytest.mark.parametrize("page", sorted(page.name for page in (ROOT / "docs").glob("*.md")))
def test_every_file_that_the_documentation_names_is_there(page: str) -> None:
    named = re.findall(
        r"`((?:tests|signing_core|benchmarks|docs|requirements)/[\w/.-]+)`", (ROOT / "docs" / page).read_text()
    )
    assert [name for name in named if not (ROOT / name).exists() and not (ROOT / f"{name}.py").exists()] == []


NO_CODES = {"time-stamp", "time-stamp-authority", "change-"}
MADE_FROM_PARTS = {
    "coverage-partial", "coverage-invalid", "qr-invalid", "qr-foreign", "qr-absent", "qr-unreadable", "registry-unknown",
    "registry-mismatch", "registry-prefix", "audit-log-other-file", "audit-log-missing", "audit-log-inconsistent",
    "document-voided", "document-declined", "document-expired",
}  # fmt: skip


def test_every_code_in_the_catalogue_is_in_the_source() -> None:
    single = {code for code in CATALOGUE if "-" not in code}
    text = "".join(file.read_text() for file in SOURCES if file.name != "findings_catalogue.py")
    unused = {code for code in CATALOGUE if f'"{code}"' not in text} - MADE_FROM_PARTS
    assert unused == set()
    assert single <= {code for code in single if f'"{code}"' in text}


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_finding_says_what_to_do(code: str) -> None:
    meaning = CATALOGUE[code]
    assert meaning.action.endswith((".", "`.")), code
    assert not meaning.message.endswith("."), code
    assert "|" not in meaning.message + meaning.action


def test_a_finding_carries_its_particulars() -> None:
    finding = make("algorithm-weak", "SHA-1", field="Signature1", revision=2)
    assert finding.message.endswith(": SHA-1.")
    assert (finding.field, finding.revision, finding.severity) == ("Signature1", 2, "warning")
    with pytest.raises(KeyError):
        make("no-such-code")
