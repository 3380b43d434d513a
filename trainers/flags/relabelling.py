"""The flags of methods that replace labels by predictions."""

from absl import flags

#: Flags that are arguments of Joint-Optim and of DRPL.
RELABELLING = ("relabel_from", "prior_weight", "entropy_weight")


def define():
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
        "Weight of the term that spreads predictions over the classes.",
        lower_bound=0.0,
    )
    flags.DEFINE_float(
        "entropy_weight",
        None,
        "Weight of the entropy of predictions.",
        lower_bound=0.0,
    )
