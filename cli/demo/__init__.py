"""A year of a real grocery chain, and the independent check of what became of it."""
