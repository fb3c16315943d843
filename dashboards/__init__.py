"""The analysts' dashboard: thin pages over the core, read with Streamlit."""
