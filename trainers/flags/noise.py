"""The flags of label noise, and what they come to."""

from absl import flags

from trainers import UsageError
from trainers.flags import datasets
from trainers.flags import require_file
from trainers.presets import lookup as presets

#: Made from a rate and a seed.
SEEDED = ("symmetric", "asymmetric", "pair_flip", "instance")
#: Made by a network that the run trains first.
LEARNT = ("polynomial_margin", "semantic")
_OTHER = ("confusion", "open_set")
TYPES = ("none", *SEEDED, *LEARNT, *_OTHER, *datasets.HUMAN_LABELS)
# What DRPL (Ortego et al., ICPR 2020) calls noise, uniform or not, in or out of
# the distribution, and the type it stands for; with --noise_matrix,
# non_uniform_id is confusion.
_DRPL = {
    "uniform_id": "symmetric",
    "non_uniform_id": "asymmetric",
    "uniform_ood": "open_set",
    "non_uniform_ood": "open_set",
}
# What the rate means in that paper.
_DRPL_CONVENTIONS = {"symmetric": "exclude_true", "asymmetric": "matrix"}

# Which types each flag is for.
_FOR = {
    "noise_convention": (*SEEDED, "polynomial_margin"),
    "noise_matrix": _OTHER,
    "noise_foreign": ("open_set",),
    "noise_share": ("semantic",),
}
# Shares of the data that weak networks learn from (Lee et al., Robust
# Inference via Generative Classifiers, ICML 2019).
_SHARES = {"cifar100": 0.2}
_SHARE = 0.05
# What those networks get wrong there; it only chooses settings.
_SEMANTIC_RATE = 0.35

# The share of human labels that disagrees with the published ones (Wei et
# al., ICLR 2022): a nominal rate to choose settings by.
_HUMAN_RATES = {
    "worse": 0.402,
    "aggre": 0.09,
    "random1": 0.172,
    "random2": 0.181,
    "random3": 0.176,
    "noisy_fine": 0.402,
}


def define():
    """Defines the flags."""
    flags.DEFINE_enum(
        "noise_type",
        None,
        (*TYPES, *_DRPL),
        "Noise injected into the training labels; for cifar10_n and "
        "cifar100_n, which of the labels that people gave. DRPL's names: "
        "uniform_id is symmetric that excludes the true class; "
        "non_uniform_id is confusion with --noise_matrix, else asymmetric "
        "with each sample's own chance; uniform_ood is open_set, "
        "non_uniform_ood open_set with --noise_matrix.",
    )
    flags.DEFINE_float(
        "noise_rate",
        None,
        "Nominal rate of the injected noise in [0, 1). For data whose labels "
        "are as found: with --noise_type=none, how many are thought to be "
        "wrong, which chooses settings; left out, it is estimated after the "
        "warm-up.",
    )
    flags.DEFINE_string(
        "noise_convention",
        None,
        "What the rate means; see noisy_keras.data.SymmetricNoise. For "
        "polynomial_margin its kind: I, II or III.",
    )
    flags.DEFINE_string(
        "noise_matrix",
        None,
        "For confusion: a file of K x K confusions (.npy, or .csv of numbers "
        "alone), row = true class. For open_set: row = foreign class, column "
        "= label; left out, any foreign picture may stand for any class. "
        "Classes are as --noise_foreign_classes leaves and orders them.",
    )
    flags.DEFINE_string(
        "noise_foreign",
        None,
        "For open_set: data set that foreign pictures are from, as --dataset "
        "takes it; default: --noise_foreign_classes.",
    )
    flags.DEFINE_list(
        "noise_foreign_classes",
        None,
        "Classes, by name or number, that are left out of training, "
        "validation and test. For open_set without --noise_foreign, their "
        "training pictures are the foreign ones, all of them whatever "
        "--max_train_samples.",
    )
    flags.DEFINE_float(
        "noise_share",
        None,
        "For semantic: share of the training set that the weak network whose "
        "predictions become labels learns from; default: 0.05, and 0.2 for "
        "cifar100.",
    )
    flags.DEFINE_string(
        "noise_manifest",
        None,
        "Labels of another run, its noise_manifest.npz. --noise_type and "
        "--noise_rate then only choose the preset; foreign pictures are "
        "looked up where they were from: --noise_foreign or "
        "--noise_foreign_classes.",
    )
    flags.DEFINE_integer("noise_seed", 0, "Seed of the injected noise.")


def resolve(dataset, values):
    """What noise a run injects.

    Args:
        dataset: value of its flag.
        values: dict of all flags by name; None where left out.

    Returns:
        dict of all `noise_` settings of a run.

    Raises:
        UsageError: flags that do not go together, or a number out of range.
    """
    told, rate = _type_and_rate(dataset, values)
    given = {name: values[name] for name in _FOR}
    noise_type = _DRPL.get(told, told)
    if told == "non_uniform_id" and given["noise_matrix"] is not None:
        noise_type = "confusion"
    classes = values["noise_foreign_classes"]
    from_file = values["noise_manifest"] is not None
    for name, types in _FOR.items():
        if given[name] is None:
            continue
        # Foreign pictures are in no manifest, only which ones they were.
        if from_file and name != "noise_foreign":
            raise UsageError(
                f"--{name}: expected none beside --noise_manifest, whose "
                f"labels are made; got {given[name]}"
            )
        if noise_type not in types:
            raise UsageError(
                f"--{name}: expected with --noise_type={'|'.join(types)} "
                f"alone; got --noise_type={told}"
            )
    _check_classes(classes)
    if given["noise_foreign"] is not None:
        datasets.check(given["noise_foreign"], flag="noise_foreign")
    if from_file:
        require_file(
            "noise_manifest",
            values["noise_manifest"],
            "the noise_manifest.npz of a run",
        )
    else:
        _check_needs(told, noise_type, given, classes)
        if told in _DRPL and given["noise_convention"] is None:
            given["noise_convention"] = _DRPL_CONVENTIONS.get(noise_type)
    if noise_type == "semantic" and given["noise_share"] is None:
        given["noise_share"] = _SHARES.get(dataset, _SHARE)
    return {
        "noise_type": noise_type,
        "noise_rate": rate,
        **given,
        "noise_foreign_classes": classes,
        "noise_seed": values["noise_seed"],
        "noise_manifest": values["noise_manifest"],
    }


def _type_and_rate(dataset, values):
    noise_type, rate = values["noise_type"], values["noise_rate"]
    human = [k for k, name in datasets.HUMAN_LABELS.items() if name == dataset]
    if noise_type in datasets.HUMAN_LABELS or human:
        return _human_labels(dataset, noise_type, rate, human)
    as_found = dataset not in presets.DEFAULT_NOISE
    if as_found and noise_type is None and rate is None:
        return presets.ESTIMATED, None
    usual_type, usual_rate = presets.DEFAULT_NOISE.get(dataset, (None, None))
    if noise_type is None:
        wanted = usual_rate if rate is None else rate
        noise_type = "none" if wanted == 0.0 else usual_type or "symmetric"
    if noise_type == "semantic":
        if rate is not None:
            raise UsageError(
                "--noise_rate: expected none with --noise_type=semantic, "
                f"whose rate is what a weak network gets wrong; got {rate}"
            )
        return noise_type, _SEMANTIC_RATE
    if noise_type == "none" and rate and not as_found:
        raise UsageError(
            "--noise_rate: expected none with --noise_type=none on "
            f"{dataset}, whose labels are clean; got {rate}"
        )
    if rate is None:
        rate = 0.0 if noise_type == "none" else usual_rate
    if rate is None:
        raise UsageError(
            f"--noise_rate: expected a share in [0, 1) with "
            f"--noise_type={noise_type}; got none"
        )
    if not 0.0 <= rate < 1.0:
        raise UsageError(
            f"--noise_rate: expected a share in [0, 1); got {rate}"
        )
    return noise_type, rate


def _human_labels(dataset, noise_type, rate, human):
    if not human:
        raise UsageError(
            f"--noise_type: {noise_type} are labels of "
            f"{datasets.HUMAN_LABELS[noise_type]}; got --dataset={dataset}"
        )
    noise_type = noise_type or human[0]
    if noise_type not in human or rate is not None:
        wrong = "noise_type" if noise_type not in human else "noise_rate"
        raise UsageError(
            f"--{wrong}: expected --noise_type to be one of "
            f"{', '.join(human)} for {dataset}, and no rate; "
            f"got {noise_type if wrong == 'noise_type' else rate}"
        )
    return noise_type, _HUMAN_RATES[noise_type]


def _check_classes(classes):
    if classes is None:
        return
    wrong = [c for i, c in enumerate(classes) if not c or c in classes[:i]]
    if wrong or not classes:
        raise UsageError(
            "--noise_foreign_classes: expected different names or numbers of "
            f"classes such as cat,automobile; got {','.join(classes)!r}"
        )


def _check_needs(told, noise_type, given, classes):
    matrix = given["noise_matrix"]
    if noise_type == "confusion" and matrix is None:
        raise UsageError(
            "--noise_matrix: expected a file of K x K confusions with "
            "--noise_type=confusion; got none"
        )
    if told == "non_uniform_ood" and matrix is None:
        raise UsageError(
            "--noise_matrix: expected a file of foreign classes x labels with "
            "--noise_type=non_uniform_ood; got none"
        )
    if told == "uniform_ood" and matrix is not None:
        raise UsageError(
            "--noise_matrix: expected none with --noise_type=uniform_ood, for "
            "which any foreign picture will do; got one: --noise_type="
            "non_uniform_ood takes it"
        )
    if noise_type == "open_set" and not (given["noise_foreign"] or classes):
        raise UsageError(
            "--noise_foreign: expected a data set of foreign pictures, or "
            "--noise_foreign_classes, with "
            f"--noise_type={told}; got none"
        )
    if matrix is not None:
        require_file("noise_matrix", matrix, "a .npy or .csv file")
    share = given["noise_share"]
    if share is not None and not 0.0 < share < 1.0:
        raise UsageError(
            f"--noise_share: expected a share in (0, 1); got {share}"
        )
