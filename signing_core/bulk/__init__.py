"""Many documents at a time: intake in batches, what is checked of each batch, exceptions and the run report; bulk creation.

Everything here is called directly in scripts and tests; `pipelines` only says when and in which order. Results are Parquet
files, one for each batch and kind (`results.Results`), written whole or not at all.
"""
