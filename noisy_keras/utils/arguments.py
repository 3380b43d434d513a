"""Checks of the arguments of methods and plug-ins, all in one way.

A rule is a callable of a name and a value. It returns the value to store, or
raises `ValueError` with the expected and the received value.
"""

import math

from noisy_keras.utils.errors import ConfigurationError


def checked(rules, values):
    """Selects and checks the arguments of an object.

    Args:
        rules: dict from the name of an argument to its rule.
        values: dict that contains these names, such as `locals()` of a
            constructor.

    Returns:
        Dict from name to checked value, in the order of the rules.

    Raises:
        ValueError: If a rule rejects its value.
    """
    return {name: rule(name, values[name]) for name, rule in rules.items()}


def require_known(given, known):
    """Checks that all names are known.

    Args:
        given: iterable of str, names of arguments.
        known: iterable of str, names that are allowed.

    Raises:
        ValueError: If a name is unknown; the message lists it and the known
            ones.
    """
    wrong = sorted(set(given) - set(known))
    if wrong:
        raise ConfigurationError(
            f"Expected settings of {', '.join(known)}. "
            f"Received: {', '.join(wrong)}"
        )


def one_of(*choices):
    """Rule: the value is one of the given choices.

    Args:
        *choices: allowed values.

    Returns:
        A rule.
    """

    def rule(name, value):
        if value not in choices:
            raise ConfigurationError(
                f"Expected `{name}` to be one of {choices}. "
                f"Received: {name}={value!r}"
            )
        return value

    return rule


def at_least(lowest, kind=float):
    """Rule: the value is a number of at least `lowest`.

    Args:
        lowest: float, the smallest value that is allowed.
        kind: type of the result, `float` or `int`; `int` accepts whole numbers
            only.

    Returns:
        A rule.
    """

    def rule(name, value):
        number = _number(value)
        infinite = kind is int and number is not None and math.isinf(number)
        if (
            number is None
            or number < lowest
            or infinite
            or kind(number) != number
        ):
            noun = "a whole number" if kind is int else "a number"
            raise ConfigurationError(
                f"Expected `{name}` to be {noun} of at least {lowest}. "
                f"Received: {name}={value!r}"
            )
        return kind(number)

    return rule


def within(low, high, ends="[)"):
    """Rule: the value lies between two bounds.

    Args:
        low: float, lower bound.
        high: float, upper bound.
        ends: str of two characters, whether each bound is included, in the
            notation of intervals: `"["` or `"("`, then `"]"` or `")"`.

    Returns:
        A rule.
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
    """Rule: the value is None or satisfies another rule.

    Args:
        rule: rule of values other than None.

    Returns:
        A rule.
    """

    def either(name, value):
        return None if value is None else rule(name, value)

    return either


def named(word, rule):
    """Rule: the value is a certain word or satisfies another rule.

    Args:
        word: str.
        rule: rule of values other than the word.

    Returns:
        A rule.
    """

    def either(name, value):
        if isinstance(value, str):
            if value == word:
                return value
            raise ConfigurationError(
                f"Expected `{name}` to be a number or {word!r}. "
                f"Received: {value!r}"
            )
        return rule(name, value)

    return either


def pair(rule):
    """Rule: the value is an ascending pair whose elements satisfy another rule.

    Args:
        rule: rule of each element.

    Returns:
        A rule that returns a tuple of two values.
    """

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
    """Rule: the value is a sequence whose elements satisfy another rule.

    Args:
        rule: rule of each element.

    Returns:
        A rule that returns a tuple.
    """

    def each(name, values):
        if isinstance(values, (str, dict)) or not hasattr(values, "__iter__"):
            raise ConfigurationError(
                f"Expected `{name}` to be a list. Received: {name}={values!r}"
            )
        return tuple(rule(name, value) for value in values)

    return each


def switch(name, value):
    """Rule: the value is True or False.

    Args:
        name: str, name of the argument.
        value: the value to check.

    Returns:
        Bool.

    Raises:
        ValueError: If the value is neither.
    """
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
