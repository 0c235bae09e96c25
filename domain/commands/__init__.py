"""Commands by noun: what can be asked of the ledger, and how it is decided."""
