"""The papers' settings as data: per method, data set, noise and rate.

A run prints which row it took, from where, and which flags replaced parts of
it. Learning-rate drops and the warm-up belong to the row's own number of
epochs; with `--epochs` they move in proportion (the warm-up only shrinks).
"""

import dataclasses

from trainers.presets import contrastive as contrastive_presets
from trainers.presets import phases as phase_presets
from trainers.presets import recipes as recipe_presets
from trainers.presets import trusted as trusted_presets
from trainers.presets.preset import Preset

#: Noise type of data whose labels are as found, and of unknown rate.
ESTIMATED = "estimated"


# lambda_u by nominal symmetric rate.
_UNLABELED_WEIGHT = {
    "cifar10": {0.2: 0.0, 0.5: 25.0, 0.8: 25.0, 0.9: 50.0},
    "cifar100": {0.2: 25.0, 0.5: 150.0, 0.8: 150.0, 0.9: 150.0},
    # As CIFAR-10's; 25 where that has 50.
    "digits": {0.2: 0.0, 0.5: 25.0, 0.8: 25.0, 0.9: 25.0},
}


def preset(method, dataset, noise_type, noise_rate, name="recommended"):
    """The row for a run.

    Args:
        method: `"cross_entropy"`, `"dividemix"`, `"sanm"` (on DivideMix),
            `"sanm_ce"`, `"joint_optim"`, `"drpl"`, one of
            `trusted_presets.METHODS` or `contrastive_presets.METHODS`, or one
            of `recipe_presets.METHODS`, a slash and the method it ends with.
        dataset: name.
        noise_type: `"none"`, `ESTIMATED` or a generator's name.
        noise_rate: nominal, in `[0, 1)`.
        name: `"recommended"` or `"official"`.

    Returns:
        A `Preset`.
    """
    # The pictures of CIFAR-N are CIFAR's.
    dataset = dataset.removesuffix("_n")
    recipe, slash, host = method.partition("/")
    if slash:
        noise = noise_type, noise_rate
        if recipe == "dmlp":
            noise = recipe_presets.PURIFIED_NOISE
        row = preset(host, dataset, *noise, name)
        return recipe_presets.preset(recipe, host, row, dataset, noise_rate)
    if method in phase_presets.METHODS:
        return phase_presets.preset(
            method, dataset, noise_type, noise_rate, name
        )
    if method in contrastive_presets.METHODS:
        return contrastive_presets.preset(method, dataset, name)
    if method in trusted_presets.METHODS:
        return trusted_presets.preset(method, dataset, name)
    rows = {"digits": _DIGITS, "cifar10": _CIFAR, "cifar100": _CIFAR}
    row = rows.get(dataset, _PICTURES)[method]
    if method in ("dividemix", "sanm"):
        row = _for_noise(row, dataset, noise_type, noise_rate)
    if method == "sanm" and dataset == "cifar100":
        row = dataclasses.replace(row, warmup=20)
    elif method == "dividemix" and dataset == "cifar100":
        row = dataclasses.replace(row, warmup=30)
    if name == "official" and method != "cross_entropy":
        if method == "dividemix":
            # SANM's own are with the method: `nk.SANM(preset="official")`.
            host = row.host | {"separate_guesses": True}
            row = dataclasses.replace(row, host=host)
        row = dataclasses.replace(
            row, source=f"{row.source}; the released code's choices"
        )
    return row


def _for_noise(row, dataset, noise_type, noise_rate):
    """DivideMix's settings that depend on noise and rate."""
    host, told = _noise_settings(dataset, noise_type, noise_rate)
    return dataclasses.replace(
        row, host=row.host | host, source=f"{row.source} ({told})"
    )


def _noise_settings(dataset, noise_type, noise_rate):
    if noise_type == "asymmetric":
        host = {"unlabeled_weight": 0.0, "warmup_penalty": True}
        return host, "asymmetric noise"
    if noise_type == ESTIMATED:
        told = "noise to be estimated after the warm-up"
        return {"unlabeled_weight": 0.0}, told
    if noise_rate == 0.0:
        told = "no injected noise, as for 20% symmetric"
        return {"unlabeled_weight": 0.0}, told
    table = _UNLABELED_WEIGHT.get(dataset, _UNLABELED_WEIGHT["cifar10"])
    nearest = min(table, key=lambda rate: abs(rate - noise_rate))
    host = {"unlabeled_weight": table[nearest]}
    if nearest == 0.9:
        host |= {"loss_history": 5, "clean_threshold": 0.6}
    told = f"{nearest:.0%} symmetric noise, the nearest published rate"
    return host, told


def for_estimate(rate, concentration):
    """DivideMix's settings for noise that was estimated in training.

    Args:
        rate: share of wrong labels, in `[0, 1]`.
        concentration: of the estimate; from a half on, classes are mistaken
            for one other each, and the noise counts as asymmetric.

    Returns:
        dict of those settings that can change after the warm-up, and what
        they are for, as text.
    """
    kind = "asymmetric" if concentration >= 0.5 else "symmetric"
    host, told = _noise_settings("pictures", kind, rate)
    changeable = ("unlabeled_weight", "clean_threshold")
    return {k: host[k] for k in changeable if k in host}, told


_CIFAR = {
    "cross_entropy": Preset(
        source="Li et al., DivideMix, ICLR 2020, the cross-entropy rows",
        network="preact_resnet18",
        epochs=300,
        drops=(150,),
        batch_size=128,
    ),
    "dividemix": Preset(
        source="Li et al., DivideMix, ICLR 2020, table 7 and code",
        network="preact_resnet18",
        epochs=300,
        drops=(150,),
        batch_size=64,
        warmup=10,
    ),
    "sanm": Preset(
        source="Tu et al., SANM, CVPR 2023, code",
        network="preact_resnet18",
        epochs=360,
        drops=(150,),
        batch_size=64,
        warmup=10,
    ),
    "sanm_ce": Preset(
        source="Tu et al., SANM, CVPR 2023, on the cross-entropy rows' setting",
        network="preact_resnet18",
        epochs=300,
        drops=(150,),
        batch_size=128,
        warmup=10,
    ),
}

# Chosen by us on the validation split: a demonstration, no paper's.
_ON_DIGITS = Preset(
    source="noisy_keras, chosen on the digits' validation split",
    network="tiny",
    epochs=25,
    drops=(20,),
    batch_size=64,
    learning_rate=0.05,
    warmup=8,
)
_DIGITS = {
    # Steps are cheap here: still a fraction of the others' compute.
    "cross_entropy": dataclasses.replace(
        _ON_DIGITS, epochs=60, drops=(50,), warmup=None
    ),
    "dividemix": _ON_DIGITS,
    "sanm": _ON_DIGITS,
    "sanm_ce": _ON_DIGITS,
}

# A start for pictures of which nothing is known; no paper's.
_PICTURES = {
    method: Preset(
        source="noisy_keras, a start for any pictures",
        network="preact_resnet18",
        width=32,
        image_size=64,
        epochs=60,
        drops=(45,),
        batch_size=64,
        warmup=warmup,
    )
    for method, warmup in (
        ("cross_entropy", None),
        ("dividemix", 10),
        ("sanm", 10),
        ("sanm_ce", 10),
    )
}
