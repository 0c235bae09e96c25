"""Parquet is read and written by polars, which is no part of every installation."""

from importlib.util import find_spec


class ParquetNotInstalled(RuntimeError):
    """What reads and writes Parquet is missing."""


def check_parquet() -> None:
    """Whether Parquet can be read and written: asked before long work."""
    if find_spec("polars") is None:
        raise ParquetNotInstalled("Parquet needs polars: pip install 'loyalty-ledger[analysts]'")
