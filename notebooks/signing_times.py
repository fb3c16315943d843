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
# **Criteria.** None: this audit measures. Times are those of the audit log.
#
# **Procedure.** Everything is counted from the audit log's events with DuckDB; the queries are in the open. A signer's time runs
# from the first invitation to the signature. A document is counted at each step that it reached.

# %% tags=["parameters"]
workspace = ""  # folder of the workspace; empty: SEALTRAIL_WORKSPACE, then the current folder
month = "all"  # such as 2026-11; "all" for everything

# %%
import os

import duckdb
import matplotlib.pyplot as plt

from signing_core import Conclusion, Workspace, frames

opened = Workspace.open(workspace or os.environ.get("SEALTRAIL_WORKSPACE", "."))
since, until = (None, None) if month == "all" else frames.period(month, opened.zone)
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
documents = frames.relation("documents", opened, connection, since=since, until=until)
frames.relation("parties", opened, connection, since=since, until=until)
events = frames.relation("events", opened, connection, data=["role", "because"])
population = len(documents)
print(f"{population} documents, {len(events)} events in the whole log")

# %% [markdown]
# ## Time to sign

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
summary

# %% [markdown]
# ## Where documents end

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
reached

# %%
statuses = connection.sql("SELECT status, count(*) AS documents FROM documents GROUP BY 1 ORDER BY 2 DESC, 1").df()
statuses

# %% [markdown]
# ## Confirmation codes

# %%
codes = connection.sql("""
    SELECT p.channel, count(*) FILTER (type = 'code.issued') AS sent, count(*) FILTER (type = 'code.confirmed') AS confirmed,
           count(*) FILTER (type = 'code.wrong') AS wrong,
           round(count(*) FILTER (type = 'code.wrong') / count(*) FILTER (type IN ('code.wrong', 'code.confirmed')), 4) AS wrong_share
    FROM events e JOIN parties p USING (document_id, role)
    WHERE type IN ('code.issued', 'code.confirmed', 'code.wrong') GROUP BY 1 ORDER BY 1
""").df()
codes

# %% [markdown]
# ## In pictures

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), width_ratios=[3, 2])
left.barh(reached["step"][::-1], reached["documents"][::-1], color="#7a9cc6")
left.set(xlabel="Documents", title="Documents that reached each step")
minutes = times.df()
groups = minutes.groupby(["role", "channel"], observed=True)["minutes"]
right.boxplot([values for _, values in groups], tick_labels=[f"{role}\n{channel}" for (role, channel), _ in groups])
right.set(ylabel="Minutes", title="Invitation to signature")
figure.tight_layout()

# %% [markdown]
# ## Conclusion

# %%
steps = dict(zip(reached["step"].str[2:], reached["documents"].tolist(), strict=True))
client = minutes.loc[minutes["role"] == "client", "minutes"]
wrong, sent = int(codes["wrong"].sum()), int(codes["sent"].sum())
Conclusion(
    True,
    f"{steps.get('completed', 0)} of {population} documents were completed. Clients took {client.median():.1f} minutes in the median "
    f"from invitation to signature. {wrong} of {sent} codes were answered wrongly.",
    {
        "documents": population,
        "steps": steps,
        "statuses": dict(zip(statuses["status"].astype(str), statuses["documents"].tolist(), strict=True)),
        "client_median_minutes": round(float(client.median()), 2),
        "codes": {
            row.channel: {"sent": row.sent, "confirmed": row.confirmed, "wrong": row.wrong}
            for row in codes.itertuples()
        },
        "codes_wrong": wrong,
        "signatures": int(len(minutes)),
    },
)
