"""What if other rules had been in force: the recorded history told again under them, and what it would have come to."""
