"""One document: where it stands, what happened, what each signer saw, and what can be proven of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from html import escape
from typing import Any

import sqlalchemy as sa
import streamlit as st

from dashboards import comparing, files, judged, look, queries, session, shared, trail
from dashboards.words import t
from signing_core.access import Access, Right
from signing_core.audit_log import evidence
from signing_core.audit_log.log import AuditLog
from signing_core.desk import Desk, verifying, views
from signing_core.errors import SealtrailError
from signing_core.flow import State, Status
from signing_core.flow.values import ENDED
from signing_core.verdict import DocumentVerdict

VIEWS = ("overview", "seen", "trail", "signatures", "pages", "hashes", "checks")
TITLES = {
    "overview": "Overview",
    "seen": "What signers saw",
    "trail": "Audit trail",
    "signatures": "Signatures",
    "pages": "Pages",
    "hashes": "Hashes and proofs",
    "checks": "Verifications",
}


def page() -> None:
    document_id = str(st.query_params.get("id") or "")
    if not document_id:
        session.guard(Right.SEE_OWN)
        st.title(t("Document"))
        look.nothing(t("Choose a document from the list."))
        st.page_link("screens/documents.py", label=t("Documents"), icon=":material/description:")
        return
    mine = session.guard(Right.SEE_OWN, document_id=document_id)
    document = mine.document(document_id)
    status = views.status(mine.workspace, document_id)
    data, missing = _stored(mine, document)
    found = judged.verdict(data) if data is not None else None
    _top(mine, document, status, found)
    _notices(mine, document_id, document, found, missing)
    view = shared.segmented(
        t("View"),
        VIEWS,
        default="overview",
        format_func=lambda one: t(TITLES[one]),
        key="view",
        label_visibility="collapsed",
    )
    shown: dict[str, Callable[[], None]] = {
        "overview": lambda: _overview(document, status, found),
        "seen": lambda: _seen(mine, document, data),
        "trail": lambda: _trail(mine, document_id),
        "signatures": lambda: _signatures(found, missing),
        "pages": lambda: _pages(mine, document, data),
        "hashes": lambda: _hashes(mine, document, status, data),
        "checks": lambda: _checks(mine, document_id),
    }
    shown[view or "overview"]()


def _stored(mine: Access, document: sa.Row[Any]) -> tuple[bytes | None, str | None]:
    """The finished file as it lies in the store now, whatever it hashes to; and why there is none."""
    if document.final_sha256 is None:
        return None, None
    try:
        return verifying.stored_file(mine.workspace, document.final_sha256), None
    except SealtrailError as error:
        return None, str(error)


# The top


def _top(mine: Access, document: sa.Row[Any], status: dict[str, Any], found: DocumentVerdict | None) -> None:
    left, right = st.columns([5, 4], vertical_alignment="bottom")
    with left:
        st.title(document.title)
        look.html(f"{look.status(document.status)} &nbsp;{look.mono(document.id)}")
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        _buttons(mine, document, found)
    _steps(status)
    if found is not None:
        judged.strip(found)


def _buttons(mine: Access, document: sa.Row[Any], found: DocumentVerdict | None) -> None:
    if document.final_sha256 and mine.may(Right.RECORD) and st.button(t("Verify now"), icon=":material/verified:"):
        _try(lambda: _verify(mine, document.id))
    if document.status == Status.COMPLETED and mine.may(Right.EVIDENCE):
        st.download_button(
            t("Evidence pack"),
            lambda: _evidence(mine, document.id),
            f"evidence-{document.id}.zip",
            "application/zip",
            icon=":material/inventory_2:",
            on_click="ignore",
        )
    if mine.may(Right.STEER) and Status(document.status) not in ENDED:
        if document.status == Status.DRAFT:
            if st.button(t("Send"), icon=":material/send:", type="primary"):
                _steer(mine, document.id, lambda desk: desk.send(document.id), t("Sent to the first party."))
        elif document.status in (Status.AWAITING_FIRST_PARTY, Status.AWAITING_CLIENT) and st.button(
            t("Resend"), icon=":material/forward_to_inbox:"
        ):
            _steer(
                mine,
                document.id,
                lambda desk: desk.resend(document.id),
                t("A new link is on its way; the one before ended."),
            )
        with st.popover(t("Void"), icon=":material/block:"):
            reason = st.text_input(t("Reason"), key="void_reason")
            if st.button(t("Withdraw the document"), type="primary", disabled=not reason.strip()):
                _steer(mine, document.id, lambda desk: desk.void(document.id, reason), t("The document was withdrawn."))


def _steer(mine: Access, document_id: str, step: Callable[[Desk], object], said: str) -> None:
    def work() -> None:
        mine.require(Right.STEER, document_id=document_id)
        step(Desk(mine.workspace))
        st.toast(said)

    if _try(work):
        st.rerun()


def _verify(mine: Access, document_id: str) -> None:
    mine.require(Right.RECORD, document_id=document_id)
    verdict = verifying.verify_stored(mine.workspace, document_id)
    verifying.record(mine.workspace, document_id, verdict, actor=mine.actor, via="dashboard")
    st.toast(t("Verified and recorded: {integrity}", integrity=t(str(verdict.integrity))))


def _evidence(mine: Access, document_id: str) -> bytes:
    mine.require(Right.EVIDENCE, document_id=document_id)
    return evidence.export(mine.workspace, document_id)


def _try(work: Callable[[], None]) -> bool:
    try:
        work()
    except SealtrailError as error:
        st.error(str(error), icon=":material/error:")
        return False
    return True


def _steps(status: dict[str, Any]) -> None:
    """The three phases and the seal, left to right."""
    first, client = status["parties"]["first-party"], status["parties"]["client"]
    now = status["status"]
    stopped = now in ("declined", "expired", "voided")
    steps = [
        (t("Author"), status["author"], now != "draft", t("created {time}", time=look.when_text(status["created_at"]))),
        (t("First party"), first["name"], bool(first["signed_at"]), _signed(first)),
        (t("Client"), client["name"], bool(client["signed_at"]), _signed(client)),
        (
            t("Seal"),
            "",
            now == "completed",
            look.when_text(status["completed_at"]) if status["completed_at"] else t("not sealed yet"),
        ),
    ]
    items, current = [], True
    for name, who, done, what in steps:
        kind, sign = ("done", "✓") if done else ("", "○")
        if not done and current:
            kind, sign = ("stopped", "✕") if stopped else ("now", "●")
            what = f"{t(now)} · {what}" if stopped or now in ("signing", "sealing") else what
            current = False
        items.append(
            f"<li class='{kind}'><span class='name'>{sign} {escape(name)}</span>"
            f"<span class='what'>{escape(who)}</span><span class='what'>{escape(what)}</span></li>"
        )
    look.html(f"<ol class='st-steps' aria-label='{escape(t('Phases'))}'>{''.join(items)}</ol>")


def _signed(party: dict[str, Any]) -> str:
    if party["signed_at"]:
        return t("signed {time}", time=look.when_text(party["signed_at"]))
    if party["opened_at"]:
        return t("opened {time}", time=look.when_text(party["opened_at"]))
    return t("not opened yet")


def _notices(
    mine: Access, document_id: str, document: sa.Row[Any], found: DocumentVerdict | None, missing: str | None
) -> None:
    """What is wrong, before everything else, with the way to it."""
    if missing:
        st.error(missing, icon=":material/error:")
    if found is not None and not found.in_order:
        reason = next((one.message for one in judged.all_findings(found) if one.severity == "error"), "")
        st.error(
            t("The stored file is {integrity}.", integrity=t(str(found.integrity))) + f" {reason}",
            icon=":material/error:",
        )
    live = [row for row in queries.findings_of(mine, document_id) if row.state != "closed" and row.gone_at is None]
    for row in live:
        with st.container(horizontal=True, vertical_alignment="center"):
            look.html(f"<span class='st-note'>{look.severity(row.severity)} {escape(row.message)}</span>")
            st.page_link("screens/findings.py", label=t("Open the finding"), query_params={"finding": row.id})


# The views


def _overview(document: sa.Row[Any], status: dict[str, Any], found: DocumentVerdict | None) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(t("Document"))
        look.facts(
            [
                (t("Next"), escape(t(status["next"]))),
                (t("Author"), escape(status["author"])),
                (t("Language"), escape({"en": "English", "de": "Deutsch"}[document.language])),
                (t("Pages"), str(document.pages)),
                (t("Created"), escape(look.when(document.created_at))),
                (t("Completed"), escape(look.when(document.completed_at))),
                (
                    t("Expires"),
                    escape(look.when(document.expires_at)) if not document.completed_at else look.muted("–"),
                ),
                (t("Certificate id"), look.mono(document.certificate_id)),
                (t("SHA-256 of the finished file"), look.mono(document.final_sha256)),
            ]
        )
        st.subheader(t("Messages"))
        look.listing(
            [t("Message"), t("To"), t("Channel"), t("State"), t("Delivered")],
            [
                [
                    escape(t(one["kind"])),
                    escape(t(one["role"] or "–")),
                    escape(t(one["channel"])),
                    look.chip(t(one["state"]), "good" if one["state"] == "delivered" else "warn"),
                    escape(look.when_text(one["delivered_at"])),
                ]
                for one in status["messages"]
            ],
            caption=t("Messages"),
        )
    with right:
        st.subheader(t("Parties"))
        parties = status["parties"]
        names = [
            (t("Name"), "name"),
            (t("Organisation"), "organisation"),
            (t("Contact"), "contact"),
            (t("Channel"), "channel"),
            (t("Opened"), "opened_at"),
            (t("Code confirmed"), "code_confirmed_at"),
            (t("Consent"), "consented_at"),
            (t("Signed"), "signed_at"),
            (t("Reminders"), "reminders"),
        ]
        look.listing(
            ["", t("First party"), t("Client")],
            [
                [look.muted(label), *(_value(key, parties[role][key]) for role in ("first-party", "client"))]
                for label, key in names
            ],
            caption=t("Parties"),
        )
        if found is not None:
            st.subheader(t("Why the verdict is what it is"))
            judged.reasons(judged.all_findings(found), least="warning")


def _value(key: str, value: Any) -> str:
    if key.endswith("_at"):
        return escape(look.when_text(value))
    if key == "channel":
        return escape(t(value))
    return escape(str(value)) if value is not None else look.muted(t("not recorded"))


def _seen(mine: Access, document: sa.Row[Any], data: bytes | None) -> None:
    """What a signer saw when it consented, beside the file as it is now."""
    state = State.from_json(document.state)
    saw = {
        str(party.role): party.consent.document_sha256
        for party in (state.first_party, state.client)
        if party.consent is not None
    }
    if not saw:
        look.nothing(t("Nobody has signed yet, so there is nothing to compare."))
        return
    if data is None:
        look.nothing(t("There is no finished file to compare with."))
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        role = shared.segmented(t("Signer"), list(saw), default=list(saw)[-1], format_func=t, key="signer")
    sha256 = saw[role or next(iter(saw))]
    try:
        before = verifying.stored_file(mine.workspace, sha256)
    except SealtrailError as error:
        st.error(str(error))
        return
    now = hashlib.sha256(data).hexdigest()
    states = comparing.overview(sha256, now, before, data)
    if isinstance(states, str):
        st.error(t("The two states cannot be drawn: {why}", why=states))
        return
    words = {
        "same": ("good", t("same")),
        "later-signature": ("info", t("signed later")),
        "changed": ("bad", t("changed")),
    }
    changed = [one.page for one in states if one.kind == "changed"]
    if changed:
        st.error(
            t(
                "Page {pages} shows something else than the {role} saw.",
                pages=", ".join(str(number) for number in changed),
                role=t(role or ""),
            ),
            icon=":material/difference:",
        )
    else:
        told = t("Every page shows what the {role} saw, apart from signatures made later.", role=t(role or ""))
        # Pages that look right prove nothing of a file whose verdict is bad: then no green.
        (st.success if judged.verdict(data).in_order else st.info)(told)
    key = f"seen_page_{role}"
    st.session_state.setdefault(key, changed[0] if changed else 1)
    number = st.segmented_control(
        t("Page"),
        [one.page for one in states],
        required=True,
        key=key,
        format_func=lambda one: f"{one} {look.SIGNS[words[states[one - 1].kind][0]]} {words[states[one - 1].kind][1]}",
    )
    shown = comparing.page(sha256, now, int(number or 1), before, data)
    left, right = st.columns(2)
    for column, picture, title, alt in (
        (
            left,
            shown.before,
            t("What the {role} saw", role=t(role or "")),
            t("Page {page} as it was shown", page=shown.page),
        ),
        (right, shown.after, t("What the file shows now"), t("Page {page} as it is now", page=shown.page)),
    ):
        with column:
            st.subheader(title)
            if picture is None:
                look.nothing(t("This state has no such page."))
            else:
                st.image(picture, width="stretch", alt=alt)
    _legend(shown)
    look.facts([(t("SHA-256 of what was shown"), look.mono(sha256)), (t("SHA-256 of the file now"), look.mono(now))])


def _legend(shown: comparing.PageComparison) -> None:
    changed = sum(mark.kind == "changed" for mark in shown.marks)
    later = [mark.what for mark in shown.marks if mark.kind == "later-signature"]
    parts = []
    if changed:
        parts.append(look.chip(t("solid frame with a number: changed ({number})", number=changed), "bad"))
    if later:
        parts.append(
            look.chip(t("dashed frame: signature field filled later ({fields})", fields=", ".join(later)), "info")
        )
    if not parts:
        parts.append(look.chip(t("no difference on this page"), "good"))
    look.html(" ".join(parts))
    if shown.text_before or shown.text_after:
        look.facts(
            [
                (t("Words only then"), escape(" ".join(shown.text_before) or "–")),
                (t("Words only now"), escape(" ".join(shown.text_after) or "–")),
            ]
        )


def _trail(mine: Access, document_id: str) -> None:
    entries = trail.of_document(mine, document_id)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        look.html(
            look.muted(
                t(
                    "Observed: seen by our server or proven. Asserted: said by somebody. Not recorded: there is nothing of it."
                )
            )
        )
        st.download_button(
            "CSV",
            lambda: files.as_csv(trail.rows(entries)),
            f"trail-{document_id}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
    look.html(trail.as_html(entries))


def _signatures(found: DocumentVerdict | None, missing: str | None) -> None:
    if found is None:
        look.nothing(missing or t("The document is not completed, so there is no finished file to verify."))
        return
    judged.signatures(found)
    st.subheader(t("Reasons"))
    judged.reasons(judged.all_findings(found))


def _pages(mine: Access, document: sa.Row[Any], data: bytes | None) -> None:
    if data is None:
        try:
            data = verifying.stored_file(mine.workspace, State.from_json(document.state).document_sha256)
        except SealtrailError as error:
            st.error(str(error))
            return
    number = st.pagination(document.pages, key="sheet") if document.pages > 1 else 1
    sha256 = hashlib.sha256(data).hexdigest()
    left, right = st.columns([3, 1])
    try:
        left.image(
            comparing.picture(sha256, number, data, 100),
            width="stretch",
            alt=t("Page {page} of the document", page=number),
        )
    except SealtrailError as error:
        left.error(str(error))
    with right:
        st.download_button(
            t("Download the PDF"),
            data,
            views.file_name(document.title, document.id),
            "application/pdf",
            on_click="ignore",
        )


def _hashes(mine: Access, document: sa.Row[Any], status: dict[str, Any], data: bytes | None) -> None:
    rows = []
    for step in ("source", "prepared", "first-party", "client", "final"):
        file = status["files"].get(step)
        if file is None:
            continue
        try:
            held = hashlib.sha256(verifying.stored_file(mine.workspace, file["sha256"])).hexdigest()
            same = look.chip(t("match"), "good") if held == file["sha256"] else look.chip(t("mismatch"), "bad")
        except SealtrailError:
            same = look.chip(t("missing"), "bad")
        rows.append([escape(t(step)), look.mono(file["sha256"]), f"{file['length']:,}".replace(",", " "), same])
    st.subheader(t("Files of this document"))
    look.listing([t("Step"), "SHA-256", t("Bytes"), t("Stored bytes")], rows, caption=t("Files of this document"))
    if document.prefix_sha256:
        cut = hashlib.sha256(data[: document.prefix_length]).hexdigest() if data else None
        st.subheader(t("Signed prefix, as printed in the QR code"))
        look.facts(
            [
                (t("Length in bytes"), str(document.prefix_length)),
                ("SHA-256", look.mono(document.prefix_sha256)),
                (t("Of the file now"), look.mono(cut)),
            ]
        )
    if document.status == Status.COMPLETED and mine.may(Right.EVIDENCE):
        st.subheader(t("Proof of inclusion in the audit log"))
        try:
            proof = AuditLog(mine.workspace).prove_document(document.id)
        except SealtrailError as error:
            look.nothing(str(error))
            return
        checkpoint = proof.checkpoint
        look.facts(
            [
                (t("Event"), str(proof.index)),
                (t("Log"), look.mono(checkpoint.origin)),
                (t("Events under the checkpoint"), str(checkpoint.size)),
                (t("Root"), look.mono(checkpoint.root.hex())),
            ]
        )
        st.download_button(
            t("Download the proof"), str(proof), f"{document.id}.tlog-proof", "text/plain", on_click="ignore"
        )


def _checks(mine: Access, document_id: str) -> None:
    """Every verification of this document that was recorded."""
    events = [event for event in views.history(mine.workspace, document_id) if event["type"] == "document.verified"]
    if not events:
        look.nothing(t("No verification was recorded yet. “Verify now” makes one."))
        return
    look.listing(
        [t("Time"), t("By"), t("Via"), t("Integrity"), t("Indication"), t("SHA-256 of the file")],
        [
            [
                escape(look.when_text(event["time"], seconds=True)),
                escape(t(event["actor"])),
                escape(t(str(event["data"].get("via") or "not recorded"))),
                look.verdict(event["data"].get("integrity")),
                escape(str(event["data"].get("indication") or "–")),
                look.mono(event["data"].get("sha256")),
            ]
            for event in reversed(events)
        ],
        caption=t("Verifications"),
    )


page()
