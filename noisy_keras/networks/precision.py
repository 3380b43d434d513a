"""Copies of a network that compute at another precision."""

import keras

_POLICIES = ("DTypePolicy", "FloatDTypePolicy")


def in_float32(network):
    """Copies a network to compute in float32, for exact gradients.

    Args:
        network: functional `keras.Model` of any dtype policy.

    Returns:
        A `keras.Model` with variables in the same order but values of its own.
        Call it by `stateless_call` with the variables of `network`.
    """
    config = keras.saving.serialize_keras_object(network)
    return keras.saving.deserialize_keras_object(_plain(config))


def at_policy(config, policy, exact):
    """Configuration of a network at another dtype policy.

    Args:
        config: dict, the network as serialised by
            `keras.saving.serialize_keras_object`.
        policy: str, name of a dtype policy, such as `"mixed_bfloat16"`.
        exact: list of str, names of layers that stay in float32. If the network
            computes in 16 bits, its other float32 layers stay so as well.

    Returns:
        A new configuration dict.
    """
    policies = set(_policies(config))
    replaced = policies - {"float32"} or policies

    def changed(value, name=None):
        if isinstance(value, dict):
            if value.get("class_name") in _POLICIES:
                if name in exact or value["config"]["name"] not in replaced:
                    return value
                return {**value, "config": {"name": policy}}
            name = value.get("name", name)
            return {key: changed(item, name) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [changed(item, name) for item in value]
        return value

    return changed(config)


def _policies(config):
    if isinstance(config, dict):
        if config.get("class_name") in _POLICIES:
            yield config["config"]["name"]
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for value in config:
            yield from _policies(value)


def is_mixed(network):
    """Whether a layer of the network computes in fewer than 32 bits.

    Args:
        network: `keras.Model`.

    Returns:
        Bool.
    """
    return any(
        layer.compute_dtype in ("bfloat16", "float16")
        for layer in network._flatten_layers()
    )


def _plain(config):
    if isinstance(config, dict):
        if config.get("class_name") in _POLICIES:
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
