"""Measurements: how long things take, beside how long they would have to take."""
