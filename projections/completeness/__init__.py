"""Completeness: what tills counted, held against what is recorded, per till and business day."""
