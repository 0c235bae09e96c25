"""Proofs that no point is lost, doubled or invented: the log folded anew, and compared with what the read models hold."""
