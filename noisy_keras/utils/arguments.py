"""Checking the arguments of methods and plug-ins, all in one way.

A rule is a function of a name and a value that returns the value to keep, or
raises `ValueError` saying what was expected and what came.
"""

import math

from noisy_keras.utils.errors import ConfigurationError


def checked(rules, values):
    """Picks and checks the settings of an object.

    Args:
        rules: dict from name to rule.
        values: dict that holds them, such as `locals()` of a constructor.

    Returns:
        dict of the settings, in the order of the rules.

    Raises:
        ValueError: a value that its rule refuses.
    """
    return {name: rule(name, values[name]) for name, rule in rules.items()}


def require_known(given, known):
    """Raises where a setting is none of some.

    Args:
        given: names.
        known: names that are allowed.

    Raises:
        ValueError: with both.
    """
    wrong = sorted(set(given) - set(known))
    if wrong:
        raise ConfigurationError(
            f"Expected settings of {', '.join(known)}. "
            f"Received: {', '.join(wrong)}"
        )


def one_of(*choices):
    """The value is one of some."""

    def rule(name, value):
        if value not in choices:
            raise ConfigurationError(
                f"Expected `{name}` to be one of {choices}. "
                f"Received: {name}={value!r}"
            )
        return value

    return rule


def at_least(lowest, kind=float):
    """The value is a number from `lowest` on.

    Args:
        lowest: the least value allowed.
        kind: `int` for whole numbers.
    """

    def rule(name, value):
        number = _number(value)
        endless = kind is int and number is not None and math.isinf(number)
        if (
            number is None
            or number < lowest
            or endless
            or kind(number) != number
        ):
            what = "a whole number" if kind is int else "a number"
            raise ConfigurationError(
                f"Expected `{name}` to be {what} of at least {lowest}. "
                f"Received: {name}={value!r}"
            )
        return kind(number)

    return rule


def within(low, high, ends="[)"):
    """The value lies between two numbers.

    Args:
        low: lower bound.
        high: upper bound.
        ends: whether each is included, as in mathematics: "[", "(", "]", ")".
    """

    def rule(name, value):
        number = _number(value)
        inside = number is not None and (
            (low < number or (ends[0] == "[" and low == number))
            and (number < high or (ends[1] == "]" and number == high))
        )
        if not inside:
            raise ConfigurationError(
                f"Expected `{name}` in {ends[0]}{low}, {high}{ends[1]}. "
                f"Received: {name}={value!r}"
            )
        return number

    return rule


def optional(rule):
    """None, or what another rule admits."""

    def either(name, value):
        return None if value is None else rule(name, value)

    return either


def pair(rule):
    """Two values, ascending, each of which another rule admits."""

    def both(name, value):
        try:
            low, high = value
        except (TypeError, ValueError):
            low = high = None
        values = rule(name, low), rule(name, high)
        if values[0] > values[1]:
            raise ConfigurationError(
                f"Expected `{name}` to be a pair (low, high). "
                f"Received: {name}={value!r}"
            )
        return values

    return both


def sequence(rule):
    """Some values, each of which another rule admits; a tuple."""

    def each(name, values):
        if isinstance(values, (str, dict)) or not hasattr(values, "__iter__"):
            raise ConfigurationError(
                f"Expected `{name}` to be a list. Received: {name}={values!r}"
            )
        return tuple(rule(name, value) for value in values)

    return each


def switch(name, value):
    """True or False."""
    if value not in (True, False):
        raise ConfigurationError(
            f"Expected `{name}` to be True or False. Received: {name}={value!r}"
        )
    return bool(value)


def _number(value):
    if isinstance(value, (bool, str)) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return None if number != number else number
