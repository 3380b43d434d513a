"""The commands: `python -m trainers.<method>`, and what they share below."""


class UsageError(Exception):
    """A request that cannot be met; the message says why and how to mend it."""
