"""The flags of methods that learn with a small trusted set."""

from absl import flags

from trainers import UsageError
from trainers import presets
from trainers.flags import common
from trainers.flags import data as data_flags
from trainers.flags import require_file


def define():
    """Defines the flags that all of these methods have."""
    flags.DEFINE_integer(
        "trusted",
        None,
        "Samples of each class to be trusted, taken out of training before "
        "there is noise, by --noise_seed. Of clothing1m and food101n they are "
        "of those that people have checked.",
        lower_bound=1,
    )
    flags.DEFINE_string(
        "trusted_csv",
        None,
        "The samples to be trusted: a CSV file with the columns id, as in a "
        "run's label_audit.csv, or path, from the file's folder on, and label "
        "(left out: as known). Those in training are taken out of it.",
    )
    flags.DEFINE_integer(
        "restart_steps",
        None,
        "Steps of the learning rate's first cosine cycle; each next one is "
        "half as long again and starts a tenth lower. 0: none, but "
        "--learning_rate_drops.",
        lower_bound=0,
    )


#: Flags of methods that train a second, small network.
META_LEARNER = ("hidden", "meta_learning_rate", "view")


def define_meta_learner():
    """Defines the flags of `META_LEARNER`."""
    flags.DEFINE_integer(
        "hidden",
        None,
        "Units of a hidden layer of the network that learns from the trusted "
        "samples.",
        lower_bound=1,
    )
    flags.DEFINE_float(
        "meta_learning_rate",
        None,
        "Of the network that learns from the trusted samples.",
        lower_bound=0.0,
    )
    common.define_view()


def resolve(
    default, dataset, injected, trusted, trusted_csv, trusted_total=None
):
    """Which samples a run trusts.

    Args:
        default: samples per class, of the preset; None for methods without.
        dataset: value of its flag.
        injected: the `noise_` settings of the run.
        trusted: value of the flag.
        trusted_csv: value of the flag.
        trusted_total: samples in all, of trainers that count them so.

    Returns:
        dict of the `trusted` settings of a run.

    Raises:
        UsageError: both flags, no such file, or no flag where the labels are
            as found and nobody tells which are right.
    """
    if trusted_csv is not None:
        if trusted is not None:
            raise UsageError(
                "--trusted_csv: expected none beside --trusted; "
                f"got {trusted_csv}"
            )
        require_file(
            "trusted_csv", trusted_csv, "a CSV file of samples and labels"
        )
    elif trusted is None and trusted_total is None and default is not None:
        if as_found(dataset, injected):
            raise UsageError(
                "--trusted_csv: expected a CSV file of samples whose labels "
                f"you have checked, because nobody tells which of {dataset} "
                "are right; got none. --trusted=N takes N of each class as "
                "they are labelled."
            )
        trusted = default
    return {
        "trusted": trusted,
        "trusted_csv": trusted_csv,
        "trusted_total": trusted_total,
    }


def as_found(dataset, injected):
    """Whether some labels may be wrong before there is noise.

    Args:
        dataset: value of its flag.
        injected: the `noise_` settings of the run.

    Returns:
        bool; False where people have checked those that are trusted.
    """
    unknown = injected["noise_type"] == presets.ESTIMATED
    told = injected["noise_type"] == "none" and injected["noise_rate"]
    return dataset not in data_flags.TRUSTED and bool(unknown or told)
