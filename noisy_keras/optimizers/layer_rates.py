"""Learning rates that differ between the layers of a network.

Weights that were trained before are changed less than a classifier that is
new, and early layers less than late ones.
"""

import re

from noisy_keras.networks import head
from noisy_keras.utils import arguments

_RULES = {
    "backbone_rate": arguments.within(0, 1, "[]"),
    "layer_decay": arguments.within(0, 1, "(]"),
}
# The name of a block in a component of a weight's path: the name up to the last
# number that follows one of these words, as in `transformer_block_3`,
# `layers_11`, `conv2_block1`, `block4b` and `expanded_conv_2`.
_BLOCK = re.compile(r"^.*(?:blocks?|layers?|stage|expanded_conv)_?\d+[a-z]?")


class LayerRates:
    """Mixin of optimizers whose learning rate is multiplied by layer.

    The classifier, and what is not part of a network, has the learning rate as
    it is. A weight of the backbone has it multiplied by
    `backbone_rate * layer_decay ** d`, where d is 1 in the last block before
    the classifier, 2 in the one before that, and so on.
    """

    _factors = {}

    def set_rates(self, backbone_rate, layer_decay):
        """Checks and stores the two arguments, as of `factors`."""
        rates = {"backbone_rate": backbone_rate, "layer_decay": layer_decay}
        for name, rate in arguments.checked(_RULES, rates).items():
            setattr(self, name, float(rate))

    def set_networks(self, networks):
        """Notes which weights belong to which layer.

        Args:
            networks: list of `keras.Model` with the interface of a network.
        """
        if self.backbone_rate == 1.0 and self.layer_decay == 1.0:
            return
        self._factors = {
            self._var_key(variable): rate
            for network in networks
            for variable, rate in factors(
                network, self.backbone_rate, self.layer_decay
            )
        }

    def factor(self, variable) -> float:
        """What the learning rate of a variable is multiplied by."""
        # An optimizer gets the variable of TensorFlow, on one replica.
        return self._factors.get(self._var_key(variable), 1.0)

    def layer_config(self):
        """The arguments, a dict; empty where all layers have one rate."""
        given = {
            "backbone_rate": self.backbone_rate,
            "layer_decay": self.layer_decay,
        }
        return {name: rate for name, rate in given.items() if rate != 1.0}


def factors(network, backbone_rate: float, layer_decay: float) -> list:
    """What the learning rate of each weight of a backbone is multiplied by.

    Args:
        network: `keras.Model` with the interface of a network.
        backbone_rate: float in `[0, 1]`.
        layer_decay: float in `(0, 1]`.

    Returns:
        A list of pairs of a `keras.Variable` and a float.
    """
    groups = blocks(network)
    return [
        (variable, backbone_rate * layer_decay ** (len(groups) - place))
        for place, group in enumerate(groups)
        for variable in group
    ]


def blocks(network) -> list:
    """The weights of a backbone, by block, from the images to the classifier.

    A block is recognised by a number in the names of its layers: that of a
    transformer's encoder, or a residual block. Weights before the first one,
    such as the embedding of patches, are a block of their own; others between
    or behind blocks belong to the one before them. Where no names have
    numbers, each layer with weights is a block.

    Args:
        network: `keras.Model` with the interface of a network.

    Returns:
        A list of lists of `keras.Variable`.
    """
    own = head.classifier(network)
    new = set() if own is None else {id(w) for w in own.trainable_variables}
    found, names = [], []
    variables = [v for v in network.trainable_variables if id(v) not in new]
    numbered = any(_block_of(variable) for variable in variables)
    for variable in variables:
        if numbered:
            name = _block_of(variable) or (names[-1] if names else "")
        else:
            name = variable.path.rpartition("/")[0]
        if name not in names:
            names.append(name)
            found.append([])
        found[names.index(name)].append(variable)
    return found


def _block_of(variable):
    """The path of the block that a variable belongs to, or ""."""
    parts = variable.path.split("/")
    for place, part in enumerate(parts[:-1]):
        match = _BLOCK.match(part)
        if match:
            return "/".join([*parts[:place], match.group()])
    return ""
