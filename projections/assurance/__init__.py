"""Statements of assurance: what is claimed of the ledger, whether it holds, and how that was checked."""
