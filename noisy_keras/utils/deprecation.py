"""Old names that still work, and say which name took their place."""

import warnings


def warn(old: str, new: str, stacklevel: int = 3):
    """Warns that a name is deprecated.

    Args:
        old: str, the deprecated name.
        new: str, what to use in its place.
        stacklevel: int, as of `warnings.warn`; 3 is the caller of the
            function that calls this one.
    """
    warnings.warn(
        f"`{old}` is deprecated; use `{new}`.",
        DeprecationWarning,
        stacklevel=stacklevel,
    )


def overrides(instance, old: str, new: str) -> bool:
    """Whether a class still defines a hook under its deprecated name.

    The more derived definition counts: a class that overrides the old name,
    derived from one that has the new name, means the old one.

    Args:
        instance: an object of the class.
        old: str, the deprecated name of an attribute.
        new: str, the name that took its place.

    Returns:
        bool.
    """
    if new in vars(instance):
        return False
    for each in type(instance).__mro__:
        if new in vars(each):
            return False
        if old in vars(each):
            return True
    return False
