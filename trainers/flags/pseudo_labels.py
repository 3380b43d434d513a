"""The flags of IEG and EG: pseudo-labels that two views agree on."""

from absl import flags

from trainers.flags import common

#: Flags that are arguments of both.
SHARED = (
    "unlabeled_weight",
    "consistency_weight",
    "temperature",
    "mix_alpha",
    "logit_normalization",
    "exact_beta",
    "average_decay",
    "view",
    "strong_view",
)
#: Flags that are arguments of IEG alone, which weighs and chooses given labels.
META = (
    "label_weight",
    "step_size",
    "momentum_lookahead",
    "relabel",
    "mix_trusted",
    "lookahead_through_pseudo_labels",
    "supervised_weight",
    "mixed_target",
)


def define_unlabeled_weight():
    """Defines the flag that DivideMix has as well."""
    flags.DEFINE_float(
        "unlabeled_weight",
        None,
        "p, weight of the loss on pseudo-labels of the mixed batch.",
        lower_bound=0.0,
    )


def define_shared():
    """Defines the flags of `SHARED`, but for `unlabeled_weight`."""
    flags.DEFINE_float(
        "consistency_weight",
        None,
        "k, weight of the divergence between the two views.",
        lower_bound=0.0,
    )
    flags.DEFINE_float(
        "temperature",
        None,
        "tau of the pseudo-labels, in (0, 1]; the lower, the sharper.",
    )
    flags.DEFINE_float(
        "mix_alpha", None, "Of the Beta distribution of mixup ratios."
    )
    flags.DEFINE_bool(
        "logit_normalization",
        None,
        "Whether logits are scaled to one norm for pseudo-labels and the mixed "
        "batch, as in the released code.",
    )
    flags.DEFINE_bool(
        "exact_beta",
        None,
        "Whether mixup ratios are drawn from the Beta distribution itself.",
    )
    flags.DEFINE_float(
        "average_decay",
        None,
        "Decay of the average of the weights that predicts; 0: the last "
        "weights predict.",
    )
    common.define_view()
    flags.DEFINE_enum(
        "strong_view",
        None,
        common.VIEWS,
        "View whose predictions are to agree with those of --view.",
    )


def define_meta():
    """Defines the flags of `META`."""
    flags.DEFINE_float(
        "label_weight",
        None,
        "lambda_0, initial weight of the given labels, in [0, 1].",
    )
    flags.DEFINE_float(
        "step_size",
        None,
        "alpha of the look-ahead step; 0 takes the current learning rate.",
        lower_bound=0.0,
    )
    flags.DEFINE_bool(
        "momentum_lookahead",
        None,
        "Whether the look-ahead step has the optimizer's momentum.",
    )
    flags.DEFINE_bool(
        "relabel", None, "Whether labels are chosen; else only weighted."
    )
    flags.DEFINE_bool(
        "mix_trusted",
        None,
        "Whether trusted images are mixed with the batch.",
    )
    flags.DEFINE_bool(
        "lookahead_through_pseudo_labels",
        None,
        "Whether the look-ahead step differentiates through the pseudo-labels, "
        "as in the released code.",
    )
    flags.DEFINE_float(
        "supervised_weight",
        None,
        "Weight of the losses on given labels: 0.5 in the code, 1 in the "
        "paper.",
        lower_bound=0.0,
    )
    flags.DEFINE_bool(
        "mixed_target",
        None,
        "Whether the target of the weighted loss contains a part of the "
        "pseudo-label, as in the released code.",
    )


def arguments(resolved):
    """The arguments of the method from its resolved settings.

    Args:
        resolved: dict of them, as flags have them.

    Returns:
        dict; a `step_size` of 0 is None there.
    """
    if resolved.get("step_size") == 0.0:
        return resolved | {"step_size": None}
    return resolved
