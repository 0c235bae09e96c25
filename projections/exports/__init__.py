"""Exports for analysts: Parquet in a directory whose manifest tells what is whole."""
