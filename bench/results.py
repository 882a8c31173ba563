"""What all measurements share."""


class MeasurementError(Exception):
    """A run did not end as it should."""
