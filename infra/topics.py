"""The names of the topics: part of the contract, the same everywhere."""

PURCHASES = "pos.purchases.v1"
DEAD = "pos.purchases.v1.dead"
FACTS = "loyalty.facts.v1"
CHECKPOINTS = "loyalty.checkpoints.v1"
