"""Evidence that the log was not changed: signed checkpoints of a Merkle tree over it, proofs, and what finds a change."""
