"""Tests of the liability."""
