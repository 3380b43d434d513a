"""SANM by its paper's name: the masking plug-in on a host."""

from noisy_keras import networks as networks_module
from noisy_keras.core import inputs
from noisy_keras.methods.cross_entropy import CrossEntropy
from noisy_keras.methods.dividemix import DivideMix
from noisy_keras.plugins.sanm import AdversarialNoisyMasking
from noisy_keras.utils.errors import ConfigurationError

HOSTS = {"dividemix": DivideMix, "ce": CrossEntropy}

#: What the released code does in each host beside masking.
_OFFICIAL_HOST = {
    "dividemix": {
        "guess_view": "autoaugment",
        "train_view": "autoaugment",
        "warmup_view": "jitter",
        "warmup_clip_norm": 1.0,
        "separate_guesses": True,
    },
    "ce": {},
}

PRESETS = ("recommended", "official")


def SANM(
    network,
    source,
    host="dividemix",
    preset="recommended",
    width=None,
    plugin=None,
    mask_network=None,
    **host_options,
):
    """Self-supervised adversarial noisy masking on a host.

    Args:
        network: a network or its name, or a list of as many networks as the
            host trains.
        source: the `Source` to train on, or its number of samples N.
        host: str, `"dividemix"` or `"ce"`.
        preset: str. `"recommended"`: the paper's equations with the code's mask
            ratios; `"official"`: all choices of the released code for CIFAR.
        width: int, number of channels of the first stage of a network given by
            name; None is the published width.
        plugin: dict of arguments of `AdversarialNoisyMasking` that differ from
            the preset, or a plug-in; None for the preset.
        mask_network: a trained network that makes the masks, or its name, as of
            the plug-in; or None.
        **host_options: arguments of the host that differ from the preset.

    Returns:
        The host with the plug-in: a `DivideMix` or a `CrossEntropy`.

    Raises:
        ConfigurationError: an unknown host or preset, or an argument out of
            range.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.4))
        >>> model = nk.SANM("tiny", source, host="dividemix", warmup_epochs=5)
        >>> model.compile()
        >>> history = model.fit(source, epochs=20, verbose=0)

    Reference: Tu et al., Learning with Noisy labels via Self-supervised
    Adversarial Noisy Masking, CVPR 2023.
    """
    if host not in HOSTS:
        raise ConfigurationError(
            f"Expected `host` to be one of {tuple(HOSTS)}. "
            f"Received: host={host!r}"
        )
    if preset not in PRESETS:
        raise ConfigurationError(
            f"Expected `preset` to be one of {PRESETS}. "
            f"Received: preset={preset!r}"
        )
    if mask_network is not None:
        if isinstance(plugin, AdversarialNoisyMasking):
            raise ConfigurationError(
                "Expected `mask_network` as an argument of the plug-in that is "
                "given. Received: both `plugin` and `mask_network`"
            )
        plugin = {**(plugin or {}), "mask_network": mask_network}
    if isinstance(network, str) and inputs.is_source(source):
        network = networks_module.build(network, source, width=width)
    if not isinstance(plugin, AdversarialNoisyMasking):
        official = preset == "official"
        make = (
            AdversarialNoisyMasking.official
            if official
            else AdversarialNoisyMasking
        )
        plugin = make(**(plugin or {}))
    if preset == "official":
        host_options = {**_OFFICIAL_HOST[host], **host_options}
    return HOSTS[host](network, source, plugins=[plugin], **host_options)
