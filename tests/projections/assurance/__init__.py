"""Tests of statements of assurance."""
