"""What the pages need, loaded once for all sessions and kept out of garbage collection.

Streamlit collects garbage after every run of a page. With the PDF, plotting and database libraries loaded that looks at a million
objects which are never garbage, and takes longer than most pages.
"""

from __future__ import annotations

import gc

import altair
import duckdb
import openpyxl
import pandas

from dashboards import comparing, files, judged, plots, run_results
from signing_core.certificate import scan
from signing_core.desk import Desk, sources

LOADED = (altair, duckdb, openpyxl, pandas, comparing, files, judged, plots, run_results, scan, Desk, sources)

gc.collect()
gc.freeze()
