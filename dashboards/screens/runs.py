"""Runs: batches with their verdicts, two of them compared, reports, and a new run through Dagster."""

from __future__ import annotations

from html import escape
from typing import Any, Final

import pandas as pd
import streamlit as st

from dashboards import dagster_runs, files, look, run_results, session, shared
from dashboards.run_results import Run
from dashboards.words import t
from signing_core.access import Access, Right, acting
from signing_core.errors import SealtrailError

# Columns whose values have words of their own; indications stay as the standard writes them.
_TERMS: Final = {"integrity", "trust", "registry", "audit_log", "before", "after"}


def page() -> None:
    mine = session.guard(Right.SEE_FINDINGS)
    st.title(t("Runs"))
    view = shared.segmented(
        t("View"),
        ["batches", "compare", "reports", "start"],
        default="batches",
        format_func={
            "batches": t("Batches"),
            "compare": t("Compare two"),
            "reports": t("Reports"),
            "start": t("Start a run"),
        }.__getitem__,
        key="runview",
        label_visibility="collapsed",
    )
    try:
        {"compare": _compare, "reports": _reports, "start": _start}.get(view or "", _batches)(mine)
    except SealtrailError as error:
        st.error(str(error), icon=":material/error:")


def _found(mine: Access) -> list[Run]:
    found = run_results.runs(mine.workspace)
    if not found:
        look.nothing(t("No run has left results in this workspace yet. “Start a run” makes the first one."))
    return found


def _batches(mine: Access) -> None:
    found = _found(mine)
    if not found:
        return
    look.listing(
        [t("Batch"), t("Made"), t("Documents"), t("Verdicts")],
        [
            [
                look.mono(run.name),
                escape(look.when(run.at)),
                str(run.documents),
                " ".join(
                    look.chip(f"{number} {t(name)}", look.VERDICT_TONES.get(name, "info"))
                    for name, number in sorted(run.by_integrity.items())
                ),
            ]
            for run in found[:50]
        ],
        caption=t("Batches"),
    )
    name = shared.select(t("Verdicts of"), [run.name for run in found], key="run", default=found[0].name)
    run = next(run for run in found if run.name == name)
    _verdicts(run_results.rows(run), f"{run.name.replace('/', '-')}")


def _compare(mine: Access) -> None:
    found = _found(mine)
    if len(found) < 2:
        if found:
            look.nothing(t("There is one run only; comparing needs two."))
        return
    names = [run.name for run in found]
    left, right = st.columns(2)
    with left:
        one = shared.select(t("Before"), names, key="before_run", default=names[1])
    with right:
        other = shared.select(t("After"), names, key="after_run", default=names[0])
    chosen = {run.name: run for run in found}
    rows = run_results.compare(chosen[str(one)], chosen[str(other)])
    if not rows:
        st.success(t("Every file has the same verdict and content in both."))
        return
    _verdicts(rows, "comparison")


def _verdicts(rows: list[dict[str, Any]], name: str) -> None:
    """A table that can be sorted and searched, and taken away; what is taken away keeps the names of the results."""
    st.dataframe(
        pd.DataFrame([{key: _read(key, value) for key, value in row.items()} for row in rows]),
        hide_index=True,
        height=380,
        column_config={**_headings()},
        alt=t("{number} lines", number=len(rows)),
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        files.downloads(rows, name)


def _read(key: str, value: Any) -> Any:
    """A value as a page shows it; what there is nothing of is an empty cell."""
    if value is None:
        return ""
    return t(value) if key in _TERMS else value


def _headings() -> dict[str, str]:
    """How the columns of verdicts are called on the page."""
    return {
        "path": t("File"),
        "integrity": t("Integrity"),
        "indication": t("Indication"),
        "sub_indication": t("Sub-indication"),
        "trust": t("Trust"),
        "registry": t("Registry"),
        "audit_log": t("Audit log"),
        "document_id": t("Document"),
        "sha256": t("SHA-256"),
        "before": t("Before"),
        "after": t("After"),
        "indication_before": t("Indication before"),
        "indication_after": t("Indication after"),
        "other_content": t("Content changed"),
    }


def _reports(mine: Access) -> None:
    found = run_results.reports(mine.workspace)
    if not found:
        look.nothing(t("No report was written yet."))
        return
    chosen = {report.name: report for report in found}
    at = {report.name: look.when(report.at, seconds=True) for report in found}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = shared.select(
            t("Report of"), list(chosen), key="report", default=found[0].name, format_func=at.__getitem__, width=330
        )
        report = chosen[str(name)]
        for file, label, mime in ((report.html, "HTML", "text/html"), (report.pdf, "PDF", "application/pdf")):
            if file is not None:
                st.download_button(
                    label,
                    file.read_bytes,
                    f"{report.name}-{file.name}",
                    mime,
                    key=str(file),
                    on_click="ignore",
                    icon=":material/download:",
                )
    logged = run_results.as_logged(mine.workspace, report)
    look.html(f"{_as_logged(logged)} {look.muted(t('Run'))} {look.mono(report.run)}")
    if report.html is not None and logged[report.html.name]:
        # Of a height of our own: the report's policy lets no script run, so nobody can measure it.
        st.iframe(report.html, height=1_000, alt=t("The report as it was issued"))


def _as_logged(logged: dict[str, bool]) -> str:
    """A report counts when its files are the ones that were issued; any other is not shown, and can be had to be looked into."""
    changed = [name for name, same in logged.items() if not same]
    if changed:
        return look.chip(t("{names}: not what the audit log names as issued", names=", ".join(changed)), "bad")
    return look.chip(t("SHA-256 as in the audit log"), "good")


def _start(mine: Access) -> None:
    jobs = {job.name: job for job in dagster_runs.jobs()}
    if mine.may(Right.RUN) and jobs:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            job = jobs[st.selectbox(t("Job"), list(jobs), key="job", width=300)]
            partition = None
            if job.partitions:
                partition = st.selectbox(t("Batch"), job.partitions, key="partition", width=260)
            if st.button(t("Start"), type="primary", icon=":material/play_arrow:"):
                _begin(mine, job, partition)
        if job.description:
            look.html(look.muted(job.description))
    _latest()


def _begin(mine: Access, job: dagster_runs.Job, partition: str | None) -> None:
    mine.require(Right.RUN)
    run_id = dagster_runs.start(job, partition=partition, tags={"started_by": mine.person.subject})
    acting.started_run(mine, job.name, run_id, partition)
    st.toast(t("The run {run} was started.", run=run_id[:8]))


@st.fragment(run_every=5)
def _latest() -> None:
    """The runs as Dagster has them, looked at again every few seconds."""
    try:
        runs = dagster_runs.latest()
    except SealtrailError as error:
        st.error(str(error), icon=":material/error:")
        return
    look.listing(
        [t("Run"), t("Job"), t("State"), t("Started"), t("Ended")],
        [
            [
                look.mono(run.run_id[:8]),
                escape(run.job),
                look.chip(t(run.status), look.RUN_TONES.get(run.status, "info")),
                escape(look.when(run.started_at)),
                escape(look.when(run.ended_at)),
            ]
            for run in runs
        ],
        caption=t("Runs"),
    )


page()
