"""The flags of IEG and EG, which let two views agree on a guess."""

from absl import flags

from trainers.flags import methods as method_flags

#: Flags of both.
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
#: Flags of IEG alone, which weighs and chooses given labels.
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
        "p, of guesses for the mixed batch.",
        lower_bound=0.0,
    )


def define_guesses():
    """Defines the flags of `SHARED`, but for `unlabeled_weight`."""
    flags.DEFINE_float(
        "consistency_weight",
        None,
        "k, of the divergence between the two views.",
        lower_bound=0.0,
    )
    flags.DEFINE_float(
        "temperature", None, "tau, in (0, 1]; the lower, the surer guesses."
    )
    flags.DEFINE_float(
        "mix_alpha", None, "Of the Beta distribution of mixup ratios."
    )
    flags.DEFINE_bool(
        "logit_normalization",
        None,
        "Whether logits are brought to one size for guesses and the mixed "
        "batch, as the released code does.",
    )
    flags.DEFINE_bool(
        "exact_beta",
        None,
        "Whether mixup ratios are drawn from the Beta distribution itself.",
    )
    flags.DEFINE_float(
        "average_decay",
        None,
        "Of the mean of weights that predicts; 0: the last weights do.",
    )
    method_flags.define_view()
    flags.DEFINE_enum(
        "strong_view",
        None,
        method_flags.VIEWS,
        "View that is to agree with it.",
    )


def define_meta():
    """Defines the flags of `META`."""
    flags.DEFINE_float(
        "label_weight", None, "lambda_0, trust in given labels, in [0, 1]."
    )
    flags.DEFINE_float(
        "step_size",
        None,
        "alpha of the step ahead; 0 takes the current learning rate.",
        lower_bound=0.0,
    )
    flags.DEFINE_bool(
        "momentum_lookahead",
        None,
        "Whether the step ahead has the optimizer's momentum.",
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
        "Whether the step ahead follows how guesses would change, as in the "
        "released code.",
    )
    flags.DEFINE_float(
        "supervised_weight",
        None,
        "Of the losses on given labels: 0.5 in the code, 1 in the paper.",
        lower_bound=0.0,
    )
    flags.DEFINE_bool(
        "mixed_target",
        None,
        "Whether the weighted loss has a part of the guess in its target, as "
        "in the released code.",
    )


def arguments(host):
    """The method's arguments from its resolved settings.

    Args:
        host: dict of them, as flags have them.

    Returns:
        dict; a `step_size` of 0 is None there.
    """
    if host.get("step_size") == 0.0:
        return host | {"step_size": None}
    return host
