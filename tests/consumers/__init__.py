"""Tests of the loops on Kafka."""
