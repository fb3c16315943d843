"""What the pages ask of the database. Every query carries what the person may see, and pages in SQL."""

from dashboards.queries.directory import choices, directory, documents_of_party
from dashboards.queries.documents import (
    MOST_COUNTED,
    OPEN,
    SORTS,
    DocumentRow,
    Filters,
    Found,
    matching,
    search,
)
from dashboards.queries.log import anchor_rows, checkpoint_rows, log_page
from dashboards.queries.today import Today, today, visit
from dashboards.queries.trends import findings_by_code, signing_times, verdicts_by_day
from dashboards.queries.work_list import FindingFilters, find_findings, finding, findings_of

__all__ = [
    "MOST_COUNTED",
    "OPEN",
    "SORTS",
    "DocumentRow",
    "Filters",
    "FindingFilters",
    "Found",
    "Today",
    "anchor_rows",
    "checkpoint_rows",
    "choices",
    "directory",
    "documents_of_party",
    "find_findings",
    "finding",
    "findings_by_code",
    "findings_of",
    "log_page",
    "matching",
    "search",
    "signing_times",
    "today",
    "verdicts_by_day",
    "visit",
]
