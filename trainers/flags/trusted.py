"""The flags of methods that learn with a small trusted set."""

from absl import flags

from trainers import UsageError
from trainers import presets
from trainers.flags import common
from trainers.flags import data
from trainers.flags import require_file

#: Flags that decide which samples are trusted, one of them at most.
WHICH = ("trusted_total", "trusted", "trusted_csv")
#: Flags that are arguments of methods that train a second, small network.
META_LEARNER = ("hidden", "meta_learning_rate", "view")


def define():
    """Defines the flags that all of these methods have."""
    flags.DEFINE_integer(
        "trusted",
        None,
        "Trusted samples of each class, taken out of training before noise is "
        "added, by --noise_seed. Of clothing1m and food101n they are among "
        "those that people have checked.",
        lower_bound=1,
    )
    flags.DEFINE_integer(
        "trusted_total",
        None,
        "Trusted samples in all, as many of each class; else as --trusted.",
        lower_bound=2,
    )
    flags.DEFINE_string(
        "trusted_csv",
        None,
        "The trusted samples: a CSV file with the columns id, as in a run's "
        "label_audit.csv, or path, from the file's folder on, and label (left "
        "out: as known). Those in training are taken out of it.",
    )
    flags.DEFINE_integer(
        "restart_steps",
        None,
        "Steps of the learning rate's first cosine cycle; each next one is "
        "half as long again and starts a tenth lower. 0: none, but "
        "--learning_rate_drops.",
        lower_bound=0,
    )


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
        "Learning rate of the network that learns from the trusted samples.",
        lower_bound=0.0,
    )
    common.define_view()


def resolve(default, dataset, noise, values):
    """Which samples a run trusts.

    Args:
        default: int, samples per class, of the preset; None for methods
            without.
        dataset: str, value of `--dataset`.
        noise: dict, the `noise_` settings of the run.
        values: dict of all flags by name; None where left out.

    Returns:
        dict of the `trusted` settings of a run.

    Raises:
        UsageError: more than one flag, no such file, or no flag where labels
            are noisy as found and it is not known which are right.
    """
    found = {name: values.get(name) for name in WHICH}
    given = [name for name in WHICH if found[name] is not None]
    if len(given) > 1:
        one, other = given[:2]
        raise UsageError(
            f"--{one}: expected none beside --{other}, as each decides which "
            f"samples are trusted; got {found[one]}"
        )
    if found["trusted_csv"] is not None:
        require_file(
            "trusted_csv",
            found["trusted_csv"],
            "a CSV file of samples and labels",
        )
    if not given and default is not None:
        if noisy_as_found(dataset, noise):
            raise UsageError(
                "--trusted_csv: expected a CSV file of samples whose labels "
                "you have checked, because it is not known which labels of "
                f"{dataset} are right; got none. --trusted=N takes N of each "
                "class as they are labelled."
            )
        found["trusted"] = default
    return found


def noisy_as_found(dataset, noise):
    """Whether trusted labels may be wrong before noise is added.

    Args:
        dataset: str, value of `--dataset`.
        noise: dict, the `noise_` settings of the run.

    Returns:
        bool; False where people have checked those that are trusted.
    """
    unknown = noise["noise_type"] == presets.ESTIMATED
    known = noise["noise_type"] == "none" and noise["noise_rate"]
    return dataset not in data.TRUSTED and bool(unknown or known)
