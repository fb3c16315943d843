"""Audit log: how far it is protected, its checkpoints and anchors, the whole of it replayed, one event proven."""

from __future__ import annotations

import json
from html import escape

import streamlit as st

from dashboards import files, look, queries, session, shared
from dashboards.words import t
from signing_core.access import Access, Right
from signing_core.audit_log import verification
from signing_core.audit_log.log import AuditLog
from signing_core.errors import SealtrailError

SIZE = 40


def page() -> None:
    mine = session.guard(Right.SEE_LOG)
    st.title(t("Audit log"))
    log = AuditLog(mine.workspace)
    protection = log.protection()
    one, two, three, four = st.columns(4)
    one.metric(t("Events"), _number(protection.size), border=True)
    two.metric(t("Under a checkpoint"), _number(protection.signed), border=True)
    three.metric(t("Anchored from outside"), _number(protection.anchored), border=True)
    four.metric(t("Not protected from outside"), _number(protection.unprotected), border=True)
    if protection.unprotected:
        look.html(
            look.chip(
                t("No outside anchor covers the events since {time}.", time=look.when(protection.unprotected_since)),
                "warn",
            )
        )
    view = shared.segmented(
        t("View"),
        ["events", "checkpoints", "replay", "prove"],
        default="events",
        format_func={
            "events": t("Events"),
            "checkpoints": t("Checkpoints and anchors"),
            "replay": t("Replay"),
            "prove": t("Prove one"),
        }.__getitem__,
        key="logview",
        label_visibility="collapsed",
    )
    {"checkpoints": _checkpoints, "replay": _replay, "prove": _prove}.get(view or "", _events)(mine)


def _events(mine: Access) -> None:
    kind = st.text_input(t("Type"), key="type", bind="query-params", placeholder="document.completed", width=280)
    before = st.session_state.get("before")
    events = queries.log_page(mine, type=kind.strip() or None, before=before, size=SIZE)
    if not events:
        look.nothing(t("There is no such event."))
        return
    look.listing(
        [t("Number"), t("Time"), t("Type"), t("Who"), t("Document"), "SHA-256"],
        [
            [
                str(event.seq),
                escape(look.when(event.time, seconds=True)),
                look.mono(event.type),
                escape(t(event.actor)),
                look.mono(event.document_id) if event.document_id else look.muted("–"),
                look.mono(event.sha256[:16] + "…"),
            ]
            for event in events
        ],
        caption=t("Events"),
    )
    with st.container(horizontal=True):
        if before is not None and st.button(t("Newest"), icon=":material/first_page:"):
            st.session_state.pop("before")
            st.rerun()
        if len(events) == SIZE and st.button(t("Older"), icon=":material/chevron_right:"):
            st.session_state["before"] = events[-1].seq
            st.rerun()
        files.downloads(
            [
                {
                    "seq": event.seq,
                    "time": event.time.isoformat(),
                    "type": event.type,
                    "actor": event.actor,
                    "document_id": event.document_id,
                    "sha256": event.sha256,
                    "body": event.body.decode(),
                }
                for event in events
            ],
            "events",
        )


def _checkpoints(mine: Access) -> None:
    checkpoints, anchors = queries.checkpoint_rows(mine), queries.anchor_rows(mine)
    st.subheader(t("Checkpoints"))
    if not checkpoints:
        look.nothing(t("No checkpoint was made yet; `sealtrail work` makes them."))
    else:
        look.listing(
            [t("Events"), t("Made"), t("Root"), t("Log")],
            [
                [_number(row.size), escape(look.when(row.created_at)), look.mono(row.root.hex()), look.mono(row.origin)]
                for row in checkpoints
            ],
            caption=t("Checkpoints"),
        )
    st.subheader(t("Anchors and witnesses"))
    if not anchors:
        look.nothing(t("Nothing anchors this log yet."))
        return
    tones = {"time-stamp": "good", "witness": "good", "embedded": "warn"}
    look.listing(
        [t("Events"), t("Kind"), t("By"), t("Made")],
        [
            [
                _number(row.size),
                look.chip(t(row.kind), tones.get(row.kind, "info")),  # type: ignore[arg-type]
                escape(row.by),
                escape(look.when(row.created_at)),
            ]
            for row in anchors
        ],
        caption=t("Anchors and witnesses"),
    )


def _replay(mine: Access) -> None:
    look.html(
        look.muted(
            t(
                "Every event is hashed again, the tree is built again, and both are held against all checkpoints and anchors."
            )
        )
    )
    with_files = st.toggle(t("Also read and hash every stored file"), key="with_files")
    if st.button(t("Replay now"), type="primary", icon=":material/replay:"):
        bar = st.progress(0.0, t("Replaying"))
        size, done = max(AuditLog(mine.workspace).protection().size, 1), 0

        def progress(events: int) -> None:
            nonlocal done
            done += events
            bar.progress(min(done / size, 1.0))

        try:
            st.session_state["replayed"] = verification.verify(
                mine.workspace, progress=progress, files=with_files, jobs=1
            )
        except SealtrailError as error:
            st.error(str(error))
        bar.empty()
    report = st.session_state.get("replayed")
    if report is None:
        return
    facts = t(
        "{events} events, {checkpoints} checkpoints, {anchors} anchors, {files} files.",
        events=report.events,
        checkpoints=report.checkpoints,
        anchors=report.anchors,
        files=report.files,
    )
    if report.in_order:
        st.success(t("All is in order.") + " " + facts, icon=":material/check_circle:")
    else:
        st.error(t("The log is not in order.") + " " + facts, icon=":material/error:")
    if report.findings:
        look.listing(
            [t("Severity"), t("What"), t("Event"), t("Code")],
            [
                [
                    look.severity(one.severity),
                    escape(one.message),
                    str(one.seq) if one.seq is not None else look.muted("–"),
                    look.code(one.code),
                ]
                for one in report.findings[:200]
            ],
            caption=t("Findings"),
        )


def _prove(mine: Access) -> None:
    size = AuditLog(mine.workspace).protection().size
    if not size:
        look.nothing(t("The log is empty."))
        return
    seq = st.number_input(t("Number of the event"), 0, size - 1, key="seq", bind="query-params", width=220)
    try:
        proof = AuditLog(mine.workspace).prove(int(seq))
    except SealtrailError as error:
        look.nothing(str(error))
        return
    checkpoint = proof.checkpoint
    look.facts(
        [
            (t("Log"), look.mono(checkpoint.origin)),
            (t("Events under the checkpoint"), _number(checkpoint.size)),
            (t("Root"), look.mono(checkpoint.root.hex())),
            (t("Hashes on the way"), str(len(proof.path))),
        ]
    )
    st.download_button(
        t("Download the proof"),
        str(proof),
        f"event-{seq}.tlog-proof",
        "text/plain",
        on_click="ignore",
        icon=":material/download:",
    )
    if proof.extra is not None:
        st.code(json.dumps(json.loads(proof.extra), indent=2, ensure_ascii=False), language="json")


def _number(value: int) -> str:
    return f"{value:,}".replace(",", " ")


page()
