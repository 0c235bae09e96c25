"""The rules of the ledger: facts, decisions and pure policies. Knows no database, no broker and no web server."""
