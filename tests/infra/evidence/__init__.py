"""Evidence against changes of the log."""
