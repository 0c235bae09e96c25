"""Journeys: few, long, through the real commands and the real services."""
