"""Tests of the services that we run ourselves."""
