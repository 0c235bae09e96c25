"""What arrives at the doors, read strictly and turned into commands."""
