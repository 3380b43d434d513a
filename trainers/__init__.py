"""The commands: `python -m trainers.<method>`, and what they share below."""


class UsageError(Exception):
    """A request that cannot be met: the message explains why, in a line."""
