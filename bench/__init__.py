"""Measurements: each figure side by side with a peer, or a physical limit, in one run."""
