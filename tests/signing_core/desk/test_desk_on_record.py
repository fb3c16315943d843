"""What registry and log say of a file claims no more than was looked up, and how a document ended is said."""

from __future__ import annotations

import pytest

from signing_core.desk import Desk, Origin, judging
from signing_core.flow import Role, Status
from signing_core.pdf import revisions
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play
from signing_core.verdict import DocumentVerdict
from signing_core.verification import verify
from signing_core.verification.wording import in_words


def judged(workspace: Workspace, data: bytes) -> DocumentVerdict:
    return verify(data, at=workspace.clock(), workspace_context=judging.context_of(workspace))


def codes(verdict: DocumentVerdict) -> set[str]:
    return {
        finding.code
        for finding in verdict.findings
        if finding.code.startswith(("registry-", "audit-log-", "document-"))
    }


def test_this_file_another_file_and_no_such_document(completed) -> None:
    with Workspace.open(completed.folder) as workspace:
        whole = judged(workspace, completed.final)
        assert (whole.registry, whole.audit_log, codes(whole)) == ("known", "included", set())
        changed = bytearray(completed.final)
        changed[900] ^= 1
        altered = judged(workspace, bytes(changed))
        assert (altered.registry, altered.audit_log) == ("mismatch", "other-file")
        assert codes(altered) == {"registry-mismatch", "audit-log-other-file"}
        assert judging.LogView(workspace).inclusion("0" * 26, "0" * 64) == "missing"
        for code in ("audit-log-other-file", "audit-log-missing"):
            assert "no entry" not in in_words(code, "en").meaning


def test_an_earlier_state_says_so_before_all_else(completed) -> None:
    with Workspace.open(completed.folder) as workspace:
        for step in ("prepared", "first-party", "client"):
            verdict = judged(workspace, completed.steps[step])
            assert (verdict.registry, verdict.audit_log) == ("prefix", "included")
            assert verdict.reason is not None
            assert verdict.reason.code == "registry-prefix"
            assert "time-stamp-untrusted" not in {f.code for f in verdict.all_findings}, "the authority is our own"
        cut = completed.final[: revisions.parse(completed.final).revisions[3].end_with_eol]
        verdict = judged(workspace, cut)
        assert (verdict.registry, codes(verdict)) == ("prefix", {"registry-prefix"})


@pytest.mark.parametrize("end", ["voided", "declined", "expired"])
def test_how_a_document_ended_is_said_of_its_signed_revisions(play: Play, desk: Desk, source: bytes, end: str) -> None:
    document_id = play.create(source)
    steps = play.steps(document_id)
    while next(steps).status is not Status.AWAITING_CLIENT:
        pass
    signed = desk.shown_file(_token(play))
    if end == "voided":
        desk.void(document_id, "withdrawn")
    elif end == "declined":
        token = _token(play)
        desk.open(token, "s", Origin("192.0.2.1", "a browser"))
        desk.decline(token, "s", "no", Origin("192.0.2.1", "a browser"))
    else:
        desk.clock.forward(days=400)  # type: ignore[attr-defined]
        desk.expire(document_id)
    verdict = judged(desk.workspace, signed)
    assert codes(verdict) == {"registry-prefix", f"document-{end}"}
    assert verdict.integrity == "intact"
    assert verdict.reason is not None and verdict.reason.code == f"document-{end}"
    english, german = (in_words(f"document-{end}", language).meaning for language in ("en", "de"))
    assert english != german


def _token(play: Play) -> str:
    play.deliver()
    return play.token(Role.CLIENT)
