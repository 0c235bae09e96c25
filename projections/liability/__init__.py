"""The liability of points, month by month, from the log up to a position: what was reported once is told again to the byte."""
