"""The front door, and the only place that wires everything together."""
