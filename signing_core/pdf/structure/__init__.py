"""A lean, tolerant parser of PDF file structure, made for judging files rather than for showing them.

Public names are in `signing_core.pdf.revisions`.
"""
