"""The same network at another precision."""

import keras


def in_float32(network):
    """A copy of a network that computes in float32, for exact gradients.

    Args:
        network: a functional `keras.Model` of any dtype policy.

    Returns:
        A `keras.Model` with variables in the same order, whose values are its
        own: run it with `stateless_call` on the network's.
    """
    config = keras.saving.serialize_keras_object(network)
    return keras.saving.deserialize_keras_object(_plain(config))


def is_mixed(network):
    """Whether some layer computes in fewer than 32 bits."""
    return any(
        layer.compute_dtype in ("bfloat16", "float16")
        for layer in network._flatten_layers()
    )


def _plain(config):
    if isinstance(config, dict):
        if config.get("class_name") in ("DTypePolicy", "FloatDTypePolicy"):
            return "float32"
        return {
            key: "float32"
            if key == "dtype" and isinstance(value, str)
            else _plain(value)
            for key, value in config.items()
        }
    if isinstance(config, (list, tuple)):
        return [_plain(value) for value in config]
    return config
