"""The Command API: the HTTP door for tills and staff. Routes by noun; it decides nothing itself."""
