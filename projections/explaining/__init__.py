"""Explaining: from a figure to the facts and rules that it follows from, worked out once more."""
