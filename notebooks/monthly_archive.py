# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
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
# **Criteria.** (1) The registry and the audit log name the same documents. (2) Each stored file verifies: signatures, seal,
# certificate page, time (ETSI EN 319 102-1). (3) What is stored, registered, logged and mailed is one file, and the printed
# certificate says what the log says. (4) No control of the process was broken. (5) The audit log is what was signed of it.
#
# **Procedure.** All documents are examined, none is sampled; nothing is changed. The result is a list of exceptions, each with
# its evidence. Names and addresses are left out on purpose: a copy of this notebook is kept and cannot forget.

# %% tags=["parameters"]
workspace = ""  # folder of the workspace; empty: SEALTRAIL_WORKSPACE, then the current folder
month = ""  # such as 2026-11; "all" for the whole archive; empty: the last month that is over

# %%
import os
from collections import defaultdict
from datetime import UTC, datetime

import matplotlib.pyplot as plt
import pandas as pd
from tqdm.auto import tqdm

from signing_core import Conclusion, Workspace, controls, frames, verify_archive
from signing_core.audit_log import verification as log_verification

opened = Workspace.open(workspace or os.environ.get("SEALTRAIL_WORKSPACE", "."))
now = opened.clock()
if not month:
    month = str(pd.Period(now.astimezone(opened.zone).strftime("%Y-%m"), "M") - 1)
beginning = datetime(1970, 1, 1, tzinfo=UTC)
since, until = (beginning, now) if month == "all" else frames.period(month, opened.zone)
print(
    f"{opened.settings.organisation}, {month}: {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC, audited {now:%Y-%m-%d %H:%M} UTC"
)

# %% [markdown]
# ## Population and completeness
#
# Three sources have to name the same documents: the registry, the log's events of completion, and the log's events of creation.
# The log's numbers have to run without a gap.

# %%
completed = frames.documents(opened, since=since, until=until, completed=True)
begun = frames.documents(opened, since=since, until=until)
started = begun[begun["completed_at"].isna()]
log = frames.events(opened, types=["document.created", "document.completed"])
logged = log[(log["time"] >= since) & (log["time"] < until)]
logged_completed = set(logged.loc[logged["type"] == "document.completed", "document_id"])
logged_created = set(logged.loc[logged["type"] == "document.created", "document_id"])
numbers = frames.events(opened, columns=["seq"])["seq"]

completeness = pd.DataFrame(
    [
        ("completed", len(completed), len(logged_completed), len(set(completed["document_id"]) ^ logged_completed)),
        ("created", len(begun), len(logged_created), len(set(begun["document_id"]) ^ logged_created)),
        ("numbers of the log", int(numbers.max() + 1), len(numbers), int(numbers.max() + 1 - numbers.nunique())),
    ],
    columns=["documents", "registry", "audit log", "in one only"],
)
completeness

# %% [markdown]
# ## Procedure 1: every stored file is verified

# %%
report = verify_archive(opened, completed["document_id"], at=now, progress=True)
report

# %% [markdown]
# ## Procedure 2: stored = registered = logged = mailed = printed, and the controls of the process

# %%
examined = [*completed["document_id"], *started["document_id"]]
found = defaultdict(set)
for history in tqdm(controls.histories(opened, examined), total=len(examined), unit="document"):
    results = [*controls.check(history, now)]
    for one in controls.reconcile(opened, [history], now=now):
        results += one.findings
    for finding in results:
        if finding.severity != "info":
            found[history.document_id].add((finding.code, finding.severity, controls.CATALOGUE[finding.code].meaning))
for verdict in report.exceptions:
    found[verdict.document_id].add(("stored-file-fails", "error", f"{verdict.integrity}: {verdict.reason.message}"))

# %% [markdown]
# ## Procedure 3: the whole audit log against everything that was signed of it

# %%
replayed = log_verification.verify(opened, files=False)
log_errors = [finding for finding in replayed.findings if finding.severity == "error"]
print(
    f"{replayed.events} events, {replayed.checkpoints} checkpoints, {replayed.anchors} anchors; {len(log_errors)} errors"
)
for finding in log_errors:
    print(f"  [{finding.code}] {finding.message}")

# %% [markdown]
# ## Exceptions

# %%
titles = pd.concat([completed, started]).set_index("document_id")["title"]
exceptions = pd.DataFrame(
    [
        (document_id, titles.get(document_id), code, severity, meaning)
        for document_id, some in sorted(found.items())
        for code, severity, meaning in sorted(some)
    ],
    columns=["document", "title", "code", "severity", "meaning"],
)
exceptions

# %% [markdown]
# ## Trend
#
# What was completed in each of the last thirteen weeks and, of the documents of this audit, which have exceptions.

# %%
history = frames.documents(opened, completed=True, columns=["document_id", "completed_at"])
history["week"] = history["completed_at"].dt.tz_convert(opened.zone).dt.tz_localize(None).dt.to_period("W")
history["exception"] = history["document_id"].isin(list(found))
weekly = history.groupby("week")["exception"].agg(["size", "sum"]).tail(13)
figure, axes = plt.subplots(figsize=(9, 3))
places = range(len(weekly))
axes.bar(places, weekly["size"], color="#7a9cc6", label="completed")
axes.bar(places, weekly["sum"], color="#a3161d", label="with exceptions in this audit")
axes.set_xticks(places, [f"{week.start_time:%d %b}" for week in weekly.index], rotation=45)
axes.set(xlabel="Week beginning", ylabel="Documents", title="Documents completed by week")
axes.legend(frameon=False)
figure.tight_layout()

# %% [markdown]
# ## Conclusion

# %%
of_completed = sorted(set(found) & set(completed["document_id"]))
of_started = sorted(set(found) & set(started["document_id"]))
missing = int(completeness["in one only"].sum())
in_order = not found and not missing and not log_errors
Conclusion(
    in_order,
    f"{len(completed)} documents were completed in the period; {len(of_completed)} of them have exceptions, and so have "
    f"{len(of_started)} of the {len(started)} others begun in it. "
    + ("Registry and audit log name the same documents. " if not missing else "Registry and audit log DIFFER. ")
    + ("The audit log is what was signed of it." if not log_errors else f"The audit log has {len(log_errors)} errors."),
    {
        "month": month,
        "completed": len(completed),
        "not_completed": len(started),
        "registry_and_log_differ": missing,
        "integrity": report.counts,
        "exceptions": len(of_completed) + len(of_started),
        "documents_with_exceptions": of_completed + of_started,
        "codes": exceptions["code"].value_counts().to_dict(),
        "log_errors": len(log_errors),
    },
)
