"""One module per answer: its table, how facts move it, how it is asked."""
