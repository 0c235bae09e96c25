"""The read side, from told facts to rows and answers."""
