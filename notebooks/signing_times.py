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
# # How fast, and where it ends
#
# **Question.** How long do signers take, at which step do documents end, and how often do confirmation codes fail, by e-mail and by
# SMS?
#
# **Population.** The documents created in the period, in the company's time zone.
#
# **Criteria.** No target is set for times: this audit measures. What it counts has to be consistent: no step may be reached by a
# document that did not reach the step before it, and the log has to name as many completed documents as the registry.
#
# **Procedure.** Everything is counted from the audit log's events with DuckDB; the queries are in the open. A signer's time runs
# from the first invitation to the signature, both by the server's clock. A document is counted at each step that it reached. Medians
# are shown beside the slowest tenth, because a few who wait for days would hide behind a mean.

# %% tags=["parameters"]
workspace = ""  # folder of the workspace; empty: SEALTRAIL_WORKSPACE, then the current folder
month = "all"  # such as 2026-11; "all" for everything

# %%
import os

import duckdb
from matplotlib.figure import Figure

from signing_core import Conclusion, Picture, Workspace, frames

opened = Workspace.open(workspace or os.environ.get("SEALTRAIL_WORKSPACE", "."))
since, until = (None, None) if month == "all" else frames.period(month, opened.zone)
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
# A month of documents in the company's time zone; their events may be later, so the log is not cut.
documents = frames.relation("documents", opened, connection, since=since, until=until)
frames.relation("parties", opened, connection, since=since, until=until)
events = frames.relation("events", opened, connection, data=["role", "because"])
population = len(documents)
print(f"{population} documents, {len(events)} events in the whole log")

# %% [markdown]
# ## Time to sign
#
# By role and by the channel on which the party was reached.

# %%
times = connection.sql("""
    WITH invited AS (
        SELECT document_id, role, min(time) AS at FROM events WHERE type = 'link.issued' GROUP BY ALL
    ), signed AS (
        SELECT document_id, role, min(time) AS at FROM events WHERE type = 'signature.made' GROUP BY ALL
    )
    SELECT i.document_id, i.role, p.channel, epoch(s.at - i.at) / 60 AS minutes
    FROM invited i JOIN signed s USING (document_id, role) JOIN parties p USING (document_id, role)
""")
summary = connection.sql("""
    SELECT role, channel, count(*) AS signatures, round(median(minutes), 2) AS median_minutes,
           round(quantile_cont(minutes, 0.9), 2) AS ninety_percent_within_minutes, round(max(minutes), 2) AS longest_minutes
    FROM times GROUP BY ALL ORDER BY role DESC, channel
""").df()
frames.listing(summary, caption="Minutes from the invitation to the signature")

# %% [markdown]
# ## Where documents end
#
# How many documents reached each step, and how many were lost since the step before: declined, expired, withdrawn, or still on
# their way. The second table says what became of them.

# %%
reached = connection.sql("""
    WITH steps AS (
        SELECT document_id, CASE
            WHEN type = 'document.created' THEN '1 created'
            WHEN type = 'document.sent' THEN '2 sent'
            WHEN type = 'link.opened' AND role = 'first-party' THEN '3 first party opened'
            WHEN type = 'signature.made' AND role = 'first-party' THEN '4 first party signed'
            WHEN type = 'link.opened' AND role = 'client' THEN '5 client opened'
            WHEN type = 'signature.made' AND role = 'client' THEN '6 client signed'
            WHEN type = 'document.completed' THEN '7 completed' END AS step
        FROM events SEMI JOIN documents USING (document_id)
    )
    SELECT step, count(DISTINCT document_id) AS documents FROM steps WHERE step IS NOT NULL GROUP BY step ORDER BY step
""").df()
reached["lost since the step before"] = -reached["documents"].diff().fillna(0).astype(int)
frames.listing(reached)

# %%
statuses = connection.sql("SELECT status, count(*) AS documents FROM documents GROUP BY 1 ORDER BY 2 DESC, 1").df()
frames.listing(statuses, caption="What became of them")

# %% [markdown]
# ## Confirmation codes
#
# A code that was answered wrongly is void, and a new one is sent. Codes that were neither confirmed nor wrong expired or were replaced.

# %%
codes = connection.sql("""
    SELECT p.channel, count(*) FILTER (type = 'code.issued') AS sent, count(*) FILTER (type = 'code.confirmed') AS confirmed,
           count(*) FILTER (type = 'code.wrong') AS wrong,
           round(count(*) FILTER (type = 'code.wrong')
                 / nullif(count(*) FILTER (type IN ('code.wrong', 'code.confirmed')), 0), 4) AS wrong_share
    FROM events e JOIN parties p USING (document_id, role)
    WHERE type IN ('code.issued', 'code.confirmed', 'code.wrong') GROUP BY 1 ORDER BY 1
""").df()
frames.listing(codes, caption="Codes by channel")

# %% [markdown]
# ## In pictures

# %%
figure = Figure(figsize=(10, 6), layout="constrained")
panels = figure.subplot_mosaic([["steps", "steps"], ["times", "codes"]])
bars = panels["steps"].barh(reached["step"][::-1], reached["documents"][::-1], color="#7a9cc6")
panels["steps"].bar_label(bars, padding=3)
panels["steps"].set(xlabel="Documents", title="Documents that reached each step")

minutes = times.df()
groups = [
    (f"{role}, {channel}", some.to_numpy())
    for (role, channel), some in minutes.groupby(["role", "channel"], observed=True)["minutes"]
]
for place, (_, values) in enumerate(groups):
    spread = [place + 0.24 * (number % 7 - 3) / 3 for number in range(len(values))]
    panels["times"].plot(
        spread, values, "o", markersize=4, alpha=0.5, color="#2c4a75", label="one signature" if not place else None
    )
    middle = float(
        summary.loc[
            (summary["role"] + ", " + summary["channel"].astype(str)) == groups[place][0], "median_minutes"
        ].iloc[0]
    )
    panels["times"].hlines(
        middle, place - 0.35, place + 0.35, color="#a3161d", linewidth=2, label="median" if not place else None
    )
    panels["times"].annotate(f"{middle:g}", (place + 0.36, middle), va="center", fontsize=8)
panels["times"].set_xticks(range(len(groups)), [name.replace(", ", "\n") for name, _ in groups])
panels["times"].set(ylabel="Minutes", title="Invitation to signature")
if groups:
    panels["times"].set_ylim(0, 1.15 * max(float(minutes["minutes"].max()), 1))
    panels["times"].set_xlim(-0.6, len(groups) - 0.3)
    panels["times"].legend(frameon=False, loc="lower left")

for shift, (kind, look) in zip(
    (-0.2, 0.2),
    {"confirmed": {"color": "#7a9cc6"}, "wrong": {"color": "#a3161d", "hatch": "///", "edgecolor": "white"}}.items(),
    strict=True,
):
    bars = panels["codes"].bar(
        [place + shift for place in range(len(codes))], codes[kind], width=0.38, label=kind, **look
    )
    panels["codes"].bar_label(bars)
panels["codes"].set_xticks(range(len(codes)), codes["channel"].astype(str))
panels["codes"].set(ylabel="Codes", title="Codes confirmed and answered wrongly")
if len(codes):
    panels["codes"].set_ylim(0, 1.25 * max(1, codes[["confirmed", "wrong"]].to_numpy().max()))
    panels["codes"].legend(frameon=False, ncols=2, loc="upper right")
for panel in panels.values():
    panel.spines[["top", "right"]].set_visible(False)
told = [f"{row.step[2:]} {row.documents}" for row in reached.itertuples()]
told += [
    f"{row.role.replace('-', ' ')} by {row.channel}: median {row.median_minutes:g} minutes"
    for row in summary.itertuples()
]
told += [f"codes by {row.channel}: {row.confirmed} confirmed, {row.wrong} wrong" for row in codes.itertuples()]
Picture.of(
    figure,
    alt=f"Three plots. {'; '.join(told) or 'No documents'}.",
    caption="Documents by step; minutes to sign, one dot for each signature, the line is the median; codes by channel, wrong ones hatched.",
)

# %% [markdown]
# ## Conclusion

# %%
steps = dict(zip(reached["step"].str[2:], reached["documents"].tolist(), strict=True))
client = minutes.loc[minutes["role"] == "client", "minutes"]
median = round(float(client.median()), 2) if len(client) else None
wrong, sent = int(codes["wrong"].sum()), int(codes["sent"].sum())
registered = int((statuses.loc[statuses["status"] == "completed", "documents"]).sum())
consistent = bool((reached["lost since the step before"] >= 0).all()) and steps.get("completed", 0) == registered
Conclusion(
    consistent,
    f"{steps.get('completed', 0)} of {population} documents were completed. "
    + (
        f"Clients took {median:.1f} minutes in the median from invitation to signature. "
        if median is not None
        else "No client signed. "
    )
    + f"{wrong} of {sent} codes were answered wrongly. "
    + (
        "Steps, log and registry are consistent."
        if consistent
        else "Steps, log and registry are NOT consistent: look at the table of steps."
    ),
    {
        "documents": population,
        "steps": steps,
        "statuses": dict(zip(statuses["status"].astype(str), statuses["documents"].tolist(), strict=True)),
        "client_median_minutes": median,
        "codes": {
            str(row.channel): {"sent": row.sent, "confirmed": row.confirmed, "wrong": row.wrong}
            for row in codes.itertuples()
        },
        "codes_wrong": wrong,
        "signatures": int(len(minutes)),
    },
)
