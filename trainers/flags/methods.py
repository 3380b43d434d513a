"""Flags of methods that other methods build on."""

from absl import flags

#: Flags of DivideMix.
DIVIDEMIX = (
    "warmup_epochs",
    "unlabeled_weight",
    "clean_threshold",
    "loss_history",
    "warmup_penalty",
    "train_view",
)

#: Names of views.
VIEWS = [
    "none",
    "weak",
    "slight",
    "autoaugment",
    "autoaugment_cutout",
    "slight_autoaugment_cutout",
    "randaugment",
    "jitter",
    "simclr",
]


def define_dividemix():
    """Defines DivideMix's own flags."""
    flags.DEFINE_integer(
        "warmup_epochs",
        None,
        "Epochs of plain training before the first division.",
        lower_bound=0,
    )
    flags.DEFINE_float(
        "unlabeled_weight",
        None,
        "Of the loss on guessed labels: lambda_u.",
        lower_bound=0.0,
    )
    flags.DEFINE_float(
        "clean_threshold",
        None,
        "Samples of higher clean probability count as labelled.",
    )
    flags.DEFINE_integer(
        "loss_history",
        None,
        "Divisions whose losses are averaged.",
        lower_bound=1,
    )
    flags.DEFINE_bool(
        "warmup_penalty",
        None,
        "Penalise confidence in the warm-up, as for asymmetric noise.",
    )
    flags.DEFINE_enum(
        "train_view",
        None,
        VIEWS,
        "View to train on, when not the one that labels are guessed from; "
        "autoaugment makes DivideMix AugDesc.",
    )


def dividemix(values):
    """DivideMix's arguments from the flags' values."""
    return {name: values[name] for name in DIVIDEMIX}


def define_view():
    """Defines the flag of the view that a method trains on."""
    flags.DEFINE_enum("view", None, VIEWS, "View to train on.")


#: Flags of methods that replace labels by predictions.
RELABELLING = ("relabel_from", "prior_weight", "entropy_weight")


def define_relabelling():
    """Defines the flags of `RELABELLING`."""
    flags.DEFINE_integer(
        "relabel_from",
        None,
        "Epochs before labels are first replaced by predictions.",
        lower_bound=1,
    )
    flags.DEFINE_float(
        "prior_weight",
        None,
        "Of the term that spreads predictions over the classes.",
        lower_bound=0.0,
    )
    flags.DEFINE_float(
        "entropy_weight",
        None,
        "Of the entropy of predictions.",
        lower_bound=0.0,
    )
