"""The demo, tried on the whole of its real data."""
