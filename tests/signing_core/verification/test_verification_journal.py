"""Work already done is not repeated, and never taken for work under other rules."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from pathlib import Path

import pytest
import signed_samples as made
from signed_samples import NOW

from signing_core.errors import UsageError
from signing_core.policy import Policy
from signing_core.trust import TrustStore, load_trust
from signing_core.verdict import AuditLogState, DocumentVerdict, Ended, RegistryState
from signing_core.verification.batch import Rules, verify_many
from signing_core.verification.context import WorkspaceContext
from signing_core.verification.journal import Journal, rules_digest


@pytest.fixture
def files(world, tmp_path: Path) -> list[str]:
    names = []
    for number in range(6):
        file = tmp_path / f"{number}.pdf"
        file.write_bytes(made.signed(world.signer, time=NOW + timedelta(seconds=number)))
        names.append(str(file))
    return names


def run(
    journal_file: Path, files: list[str], rules: Rules, *, stop_after: int | None = None
) -> tuple[list[DocumentVerdict], int]:
    """Verdicts, and how many of them were found in the journal."""
    journal = Journal(journal_file)
    journal.begin(rules)
    found = 0

    def known(path: str) -> DocumentVerdict | None:
        nonlocal found
        verdict = journal.known(path)
        found += verdict is not None
        return verdict

    verdicts = []
    for verdict in verify_many(files, rules, jobs=2, known=known):
        journal.add(verdict)
        verdicts.append(verdict)
        if len(verdicts) == stop_after:
            break
    journal.close()
    return verdicts, found


def bare(verdicts: list[DocumentVerdict]) -> list[DocumentVerdict]:
    return [dataclasses.replace(verdict, elapsed_ms=None) for verdict in verdicts]


def test_a_run_that_was_cut_off_goes_on(files: list[str], world, tmp_path: Path) -> None:
    rules = Rules(NOW, trust=world.trust)
    journal = tmp_path / "journal"
    part, _ = run(journal, files, rules, stop_after=3)
    with journal.open("a") as stream:
        stream.write('{"half a li')
    whole, found = run(journal, files, rules)
    assert found == 3
    assert bare(whole) == bare(list(verify_many(files, rules)))
    assert bare(part) == bare(whole)[:3]
    again, found = run(journal, files, rules)
    assert (found, bare(again)) == (6, bare(whole))


def test_a_changed_file_is_judged_anew(files: list[str], world, tmp_path: Path) -> None:
    rules = Rules(NOW, trust=world.trust)
    journal = tmp_path / "journal"
    run(journal, files, rules)
    Path(files[2]).write_bytes(Path(files[2]).read_bytes().replace(b"595 842", b"595 843", 1))
    verdicts, found = run(journal, files, rules)
    assert found == 5
    assert [str(v.integrity) for v in verdicts] == ["intact", "intact", "altered", "intact", "intact", "intact"]


def test_a_moved_file_keeps_its_verdict_under_its_new_name(files: list[str], world, tmp_path: Path) -> None:
    rules = Rules(NOW, trust=world.trust)
    run(tmp_path / "journal", files, rules)
    moved = Path(files[0]).rename(tmp_path / "moved.pdf")
    (verdict,), found = run(tmp_path / "journal", [str(moved)], rules)
    assert (found, verdict.path) == (1, str(moved))


OTHER = [
    {"policy": Policy(revocation="required")},
    {"trust": TrustStore()},
    {"crls": (b"\x30\x00",)},
    {"password": "open sesame"},
    {"online": True},
    {"at": NOW + timedelta(days=1)},
]


@pytest.mark.parametrize("changes", OTHER, ids=[next(iter(c)) for c in OTHER])
def test_other_rules_begin_anew(changes: dict[str, object], files: list[str], world, tmp_path: Path) -> None:
    rules = Rules(NOW, trust=world.trust)
    run(tmp_path / "journal", files[:2], rules)
    other = dataclasses.replace(rules, **changes)  # type: ignore[arg-type]
    journal = Journal(tmp_path / "journal")
    journal.begin(other)
    assert journal.known(files[0]) is None
    journal.close()
    if "at" not in changes:
        assert rules_digest(other) != rules_digest(rules)


class Workspace:
    """A workspace that knows one document and says of it what the test tells it to say."""

    def __init__(self, identity: str, registry: str | None = "known", ended: str | None = None) -> None:
        self.identity, self.registry, self.end, self.trust = identity, registry, ended, TrustStore()

    def __call__(self) -> WorkspaceContext:
        return WorkspaceContext(self.trust, self, self, self.identity)

    def lookup(self, sha256: str, document_id: str | None) -> RegistryState:
        return self.registry  # type: ignore[return-value]

    def inclusion(self, document_id: str, sha256: str) -> AuditLogState | None:
        return "included"

    def ended(self, document_id: str) -> Ended | None:
        return self.end  # type: ignore[return-value]


@pytest.mark.parametrize("change", ["identity", "registry", "end", "trust"])
def test_what_one_workspace_says_is_not_reported_for_another(change: str, completed, tmp_path: Path) -> None:
    file = tmp_path / "one.pdf"
    file.write_bytes(completed.signed)
    workspace = Workspace("a")
    rules = Rules(NOW, context=workspace)

    def go() -> tuple[DocumentVerdict, int]:
        journal = Journal(tmp_path / "journal")
        journal.begin(rules)
        known = journal.known(str(file))
        verdict = known or rules.verifier()(str(file))
        journal.add(verdict)
        journal.close()
        return verdict, known is not None

    assert [go()[1] for _ in range(2)] == [False, True]
    before = go()[0]
    other = {"identity": "b", "registry": "unknown", "end": "voided", "trust": load_trust([completed.public])}[change]
    setattr(workspace, change, other)
    after, found = go()
    assert not found
    assert (after.registry, [f.code for f in after.findings]) != (
        before.registry,
        [f.code for f in before.findings],
    ) or (change in ("identity", "trust"))
    assert go() == (after, True), "and then it is kept as it is now"


def test_the_time_of_the_run_is_kept(files: list[str], world, tmp_path: Path) -> None:
    assert Journal(tmp_path / "journal").at is None
    run(tmp_path / "journal", files[:1], Rules(NOW, trust=world.trust))
    assert Journal(tmp_path / "journal").at == NOW


def test_the_password_is_not_in_it(files: list[str], world, tmp_path: Path) -> None:
    run(tmp_path / "journal", files[:1], Rules(NOW, password="open sesame"))
    assert "sesame" not in (tmp_path / "journal").read_text()


@pytest.mark.parametrize("content", ["no journal", "[]", json.dumps({"kind": "something"})])
def test_another_file_is_not_overwritten(content: str, tmp_path: Path) -> None:
    file = tmp_path / "important.txt"
    file.write_text(content)
    with pytest.raises(UsageError, match=r"important\.txt"):
        Journal(file)
    assert file.read_text() == content


def test_an_unreadable_document_is_tried_again(tmp_path: Path, world) -> None:
    missing = str(tmp_path / "missing.pdf")
    rules = Rules(NOW, trust=world.trust)
    run(tmp_path / "journal", [missing], rules)
    Path(missing).write_bytes(made.signed(world.signer))
    (verdict,), found = run(tmp_path / "journal", [missing], rules)
    assert (found, str(verdict.integrity)) == (0, "intact")


def test_damaged_lines_are_work_that_was_not_done(files: list[str], world, tmp_path: Path) -> None:
    rules, journal = Rules(at=NOW + timedelta(days=1)), tmp_path / "journal"
    first, _ = run(journal, files, rules)
    head, *lines = journal.read_text().splitlines()
    lines[0] = "5"
    lines[1] = '{"sha256": 7}'
    lines[2] = json.dumps({"sha256": json.loads(lines[2])["sha256"], "integrity": "splendid"})
    lines[3] = lines[3][:50]
    journal.write_text("\n".join([head, *lines]) + "\n")
    again, found = run(journal, files, rules)
    assert bare(again) == bare(first)
    assert found == 2
