# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Monthly audit of the archive
#
# **Question.** Are the documents that were completed in the month authentic, unchanged and complete, and did the controls of the
# signing process work?
#
# **Population.** Every document completed in the month, in the company's time zone. The documents begun in the month that are not
# completed are looked at by the controls only: there is no finished file to judge.
#
# **Criteria.**
#
# 1. The registry and the audit log name the same documents, and the numbers of the log run without a gap.
# 2. Each stored file verifies: signatures, seal, certificate page, time (ETSI EN 319 102-1).
# 3. What is stored, registered, logged and mailed is one file, and the printed certificate says what the log says.
# 4. No control of the signing process was broken.
# 5. The audit log as a whole is what was signed of it.
#
# **Procedure.** All documents are examined, none is sampled; nothing is changed. The result is a list of exceptions, each with what
# it means and what to do. Names and addresses are left out on purpose: a copy of this notebook is kept and cannot forget.

# %% tags=["parameters"]
workspace = ""  # folder of the workspace; empty: SEALTRAIL_WORKSPACE, then the current folder
month = ""  # such as 2026-11; "all" for the whole archive; empty: the last month that is over

# %%
import json
import os
from collections import defaultdict
from datetime import UTC, datetime

import pandas as pd
from matplotlib.figure import Figure
from tqdm.auto import tqdm

from signing_core import Conclusion, Picture, Workspace, controls, frames, verify_archive
from signing_core.audit_log import verification as log_verification

opened = Workspace.open(workspace or os.environ.get("SEALTRAIL_WORKSPACE", "."))
now = opened.clock()
if not month:
    month = str(pd.Period(now.astimezone(opened.zone).strftime("%Y-%m"), "M") - 1)
beginning = datetime(1970, 1, 1, tzinfo=UTC)
since, until = (beginning, now) if month == "all" else frames.period(month, opened.zone)
over = until <= now
print(
    f"{opened.settings.organisation}, {month}: {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC, audited {now:%Y-%m-%d %H:%M} UTC."
)
if not over:
    print("The period is not over: what is completed after this audit is not in it.")

# %% [markdown]
# ## Criterion 1: population and completeness
#
# The registry is a table that can be changed; the audit log is signed. Both have to name the same documents: as completed in the
# period, and as created in it. The events of the log are numbered from 0 on, so a number that is missing is an event that is.

# %%
completed = frames.documents(opened, since=since, until=until, completed=True)
begun = frames.documents(opened, since=since, until=until)
started = begun[~begun["document_id"].isin(completed["document_id"])]
log = frames.events(opened, types=["document.created", "document.completed"], since=since, until=until)
logged = {kind: set(log.loc[log["type"] == kind, "document_id"]) for kind in ("document.created", "document.completed")}
registry = {"document.created": set(begun["document_id"]), "document.completed": set(completed["document_id"])}
numbers = frames.events(opened, columns=["seq"])["seq"]
gaps = int(numbers.max() + 1 - numbers.nunique()) if len(numbers) else 0
differing = sorted(set().union(*(registry[kind] ^ logged[kind] for kind in registry)))
print(f"The log has {len(numbers):,} events; {gaps} numbers are missing.")
frames.listing(
    pd.DataFrame(
        [
            (
                kind,
                len(registry[kind]),
                len(logged[kind]),
                len(registry[kind] - logged[kind]),
                len(logged[kind] - registry[kind]),
            )
            for kind in registry
        ],
        columns=["event", "in the registry", "in the audit log", "in the registry only", "in the log only"],
    ),
    caption="Documents of the period by either source",
)

# %% [markdown]
# ## Criterion 2: every stored file is verified
#
# Each finished file is read from the object store as it is now and judged as anybody could judge it: every signature, the seal, the
# certificate page with its QR code, the times, the registry and the log. A file that is gone is not judged, and that is an exception.

# %%
report = verify_archive(opened, completed["document_id"], at=now, progress=True)
report

# %% [markdown]
# ## Criteria 3 and 4: stored = registered = logged = mailed = printed, and the controls of the process
#
# A file may verify and still be the wrong one. So four places are compared: the object store, the registry, the event of completion
# and the message that went out; the printed certificate is set again from the log and compared in its words. The controls then look
# at how the document was signed: that the parties were reached at different addresses, codes were asked for and answered in order,
# nothing is stuck.

# %%
examined = [*completed["document_id"], *started["document_id"]]
found = defaultdict(dict)
reconciled, controlled = set(), set()
for looked in tqdm(controls.look(opened, examined, now=now), total=len(examined), unit="document"):
    archived = looked.reconciliation.findings if looked.reconciliation else ()
    for findings, documents in ((looked.flow, controlled), (archived, reconciled)):
        for finding in findings:
            if finding.severity != "info":
                documents.add(looked.document_id)
                found[looked.document_id][finding.code] = controls.CATALOGUE[finding.code]
failing = {verdict.document_id: verdict for verdict in report.exceptions}
for document_id in [*failing, *(one for one, _ in report.not_judged)]:
    found[document_id].setdefault("stored-file-fails", None)
print(f"{len(examined)} documents examined, {len(completed)} of them completed; {len(found)} have exceptions.")

# %% [markdown]
# ## Criterion 5: the whole audit log
#
# The log cannot be audited by the month: whoever changes an early event changes everything after it. It is computed anew from the
# first event on, and compared with every checkpoint that was signed, with the anchors from outside, and with what the signer
# remembers outside the database. A finding below may concern a document of another month.

# %%
replayed = log_verification.verify(opened, files=False)
log_errors = [finding for finding in replayed.findings if finding.severity == "error"]
print(
    f"{replayed.events:,} events, {replayed.checkpoints} checkpoints, {replayed.anchors} anchors; {len(log_errors)} errors. "
    f"Nobody outside could show a change of the last {replayed.unprotected} events."
)
frames.listing(
    pd.DataFrame(
        [(one.severity, one.code, one.message) for one in replayed.findings], columns=["severity", "code", "finding"]
    ),
    caption="Findings of the replay",
)

# %% [markdown]
# ## Exceptions
#
# Every exception of the documents of this audit. The codes are those of `controls.CATALOGUE`; where a stored file fails, the meaning
# is the gravest finding of its verdict, one of `docs/findings.md`.

# %%
titles = pd.concat([completed, started]).drop_duplicates("document_id").set_index("document_id")["title"]


def described(document_id, code, kind):
    """The row of one exception; a verdict brings its own reason."""
    if kind is not None:
        return kind.severity, kind.meaning, kind.action
    verdict = failing.get(document_id)
    said = verdict.reason.message if verdict is not None and verdict.reason else "The file could not be judged."
    return "error", said, "Compare it with the file that was mailed, and with a backup."


exceptions = pd.DataFrame(
    [
        (document_id, titles.get(document_id), code, *described(document_id, code, kind))
        for document_id, some in sorted(found.items())
        for code, kind in sorted(some.items())
    ],
    columns=["document", "title", "code", "severity", "meaning", "what to do"],
)
frames.listing(exceptions)

# %% [markdown]
# ## Trend
#
# Documents completed in each of the last thirteen weeks. Only those of this audit were examined; of the others nothing is said, and
# their bars are left empty. Below, what earlier runs of this audit came to.

# %%
weeks = frames.documents(opened, completed=True, columns=["document_id", "completed_at"])
weeks["week"] = weeks["completed_at"].dt.tz_convert(opened.zone).dt.tz_localize(None).dt.to_period("W")
weeks["state"] = "not of this audit"
weeks.loc[weeks["document_id"].isin(completed["document_id"]), "state"] = "without exception"
weeks.loc[weeks["document_id"].isin(list(found)), "state"] = "with exceptions"
looks = {
    "with exceptions": {"color": "#a3161d", "hatch": "///", "edgecolor": "white"},
    "without exception": {"color": "#7a9cc6"},
    "not of this audit": {"color": "white", "edgecolor": "#59616b", "linestyle": "--"},
}
weekly = weeks.groupby(["week", "state"]).size().unstack(fill_value=0).reindex(columns=list(looks), fill_value=0)
if len(weekly):
    weekly = weekly.reindex(pd.period_range(weekly.index.min(), weekly.index.max(), freq="W"), fill_value=0).tail(13)
figure = Figure(figsize=(9, 3.2), layout="constrained")
axes = figure.subplots()
below = pd.Series(0, index=weekly.index)
for state, look in looks.items():
    axes.bar(range(len(weekly)), weekly[state], bottom=below, label=state, **look)
    below = below + weekly[state]
axes.set_xticks(range(len(weekly)), [f"{week.start_time:%d %b}" for week in weekly.index])
axes.yaxis.get_major_locator().set_params(integer=True)
axes.set_ylim(0, max(1, below.max() if len(below) else 1) * 1.35)
axes.set(xlabel="Week beginning", ylabel="Documents", title="Documents completed by week")
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False, ncols=3, loc="upper left")
told = "; ".join(
    f"week of {week.start_time:%d %b}: {int(row.sum())}, {int(row['with exceptions'])} with exceptions"
    for week, row in weekly.iterrows()
)
Picture.of(
    figure,
    alt=f"Documents completed by week. {told or 'None'}.",
    caption=f"Hatched: with exceptions. Filled: examined, without exception. Dashed outline: not of this audit ({month}).",
)

# %%
earlier = frames.runs(opened)
earlier = earlier[earlier["name"] == "monthly_archive"].copy()
earlier["month"] = [json.loads(given or "{}").get("month", "the last one") for given in earlier["parameters"]]
frames.listing(
    earlier[["time", "month", "in_order", "statement", "sha256"]].tail(13), caption="Earlier runs of this audit"
)

# %% [markdown]
# ## Conclusion

# %%
of_completed = sorted(set(found) & set(completed["document_id"]))
of_started = sorted(set(found) & set(started["document_id"]))
criteria = [
    (
        "1",
        "registry and audit log agree",
        len(registry["document.created"] | registry["document.completed"]),
        len(differing) + gaps,
    ),
    ("2", "every stored file verifies", len(report), len(report.exceptions) + len(report.not_judged)),
    ("3", "stored = registered = logged = mailed = printed", len(completed), len(reconciled)),
    ("4", "the controls of the process held", len(examined), len(controlled)),
    ("5", "the audit log is what was signed of it", replayed.events, len(log_errors)),
]
frames.listing(
    pd.DataFrame(
        [(*row, "met" if not row[-1] else "NOT met") for row in criteria],
        columns=["criterion", "what has to be so", "examined", "exceptions", "result"],
    ),
    caption="Criteria 1 to 4 count documents, 5 counts events",
)

# %%
met = [number for number, *_, wrong in criteria if not wrong]
in_order = len(met) == len(criteria)
Conclusion(
    in_order,
    f"{len(completed)} documents were completed in the period; exceptions were found in {len(of_completed)} of them, and in "
    f"{len(of_started)} of the {len(started)} that were begun in it and are not completed in it. "
    + ("All five criteria are met." if in_order else f"{len(met)} of five criteria are met.")
    + ("" if over else " The period was not over at the time of this audit."),
    {
        "month": month,
        "period_over": over,
        "completed": len(completed),
        "not_completed": len(started),
        "criteria_not_met": [number for number, *_, wrong in criteria if wrong],
        "registry_and_log_differ": len(differing) + gaps,
        "integrity": report.counts,
        "exceptions": len(of_completed) + len(of_started),
        "documents_with_exceptions": of_completed + of_started,
        "codes": exceptions["code"].value_counts().to_dict(),
        "log_errors": len(log_errors),
    },
)
