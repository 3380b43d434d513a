"""Saving functions, layers and losses that a user passed as arguments."""

import warnings

import keras

from noisy_keras.utils.errors import ConfigurationError


def serialized(name: str, value):
    """An object as Keras saves it, which is sure to be found again.

    Args:
        name: str, name of the argument.
        value: layer, loss or function.

    Returns:
        dict or str, see `keras.saving.serialize_keras_object`.

    Raises:
        ConfigurationError: Keras cannot read back what it would save.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of lambdas, which are refused.
            config = keras.saving.serialize_keras_object(value)
            found = keras.saving.deserialize_keras_object(config)
    except Exception:
        found = None
    if found is None or type(found) is not type(value):
        raise ConfigurationError(
            f"Expected a `{name}` that can be saved: decorate the function or "
            "class by `@keras.saving.register_keras_serializable()`. "
            f"Received: {value!r}"
        )
    return config


def is_serialized(value) -> bool:
    """Whether a value of a config is an object as Keras saves it."""
    return isinstance(value, dict) and {"class_name", "config"} <= set(value)


def same(one, other) -> bool:
    """Whether two objects are the same, or of the same configuration."""
    if one is other:
        return True
    if type(one) is not type(other) or not hasattr(one, "get_config"):
        return False
    return one.get_config() == other.get_config()


def identity(value):
    """What tells an object from others, as JSON holds it.

    Args:
        value: layer, loss, function, or an object with `serialize`.

    Returns:
        The configuration of the object where it has one, else its name.
    """
    if hasattr(value, "serialize"):
        try:
            return value.serialize()
        except ConfigurationError:
            value = getattr(value, "given", getattr(value, "loss", value))
    if hasattr(value, "get_config"):
        return keras.saving.serialize_keras_object(value)
    named = getattr(value, "__qualname__", type(value).__qualname__)
    return f"{getattr(value, '__module__', '')}.{named}"


def settings(values: dict) -> dict:
    """Settings of a model or a plug-in as its config holds them.

    Args:
        values: dict by name.

    Returns:
        dict; objects with `serialize` are replaced by what that returns.
    """
    return {
        name: value.serialize() if hasattr(value, "serialize") else value
        for name, value in values.items()
    }


def restored(config: dict) -> dict:
    """A config whose objects are no longer serialised.

    Args:
        config: dict, arguments of a constructor by name.

    Returns:
        dict.
    """
    return {
        name: keras.saving.deserialize_keras_object(value)
        if is_serialized(value)
        else value
        for name, value in config.items()
    }
