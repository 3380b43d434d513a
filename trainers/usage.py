"""The error of what a user asked for and cannot have."""


class UsageError(Exception):
    """What the user asked for cannot be done; the message says why."""
