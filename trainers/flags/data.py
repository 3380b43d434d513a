"""The flags of the data: which data set, which noise, and what they resolve to.

The way of `--noise_rate` from the flag to a changed label:

1. here it is defined, and `noise_settings` resolves it with the other flags of
   noise to `settings.data["noise_rate"]` (`Settings` of `flags/settings.py`);
2. `run/data.py` loads the sources of a run from `settings.data`, step by step;
3. `run/noise.py`, one of these steps, makes the generator of the noise type;
4. `noisy_keras/data/sources/source.py`: `Source.with_noise` keeps the labels
   from before as the true ones;
5. `noisy_keras/data/noise/`, one file per type, such as `symmetric.py`, changes
   the labels.
"""

import difflib
import glob
import os
import re

from absl import flags

from trainers import UsageError
from trainers import presets
from trainers.flags import require_file

#: Data sets by name.
NAMES = ("cifar10", "cifar100", "cifar100_n", "cifar10_n", "digits")
#: Data sets read from the folder that their authors published.
LAYOUTS = ("animal10n", "clothing1m", "food101n", "mini_webvision", "webvision")
#: Those of them in which people have checked a part of the training labels.
TRUSTED = ("clothing1m", "food101n")
#: A user's own pictures, and prepared data sets: what follows the colon.
PREFIXES = {
    "folder": "PATH",
    "csv": "PATH",
    "features": "FILE",
    "tfrecord": "PATH",
    "tfds": "NAME",
}
#: Flags that say how a folder or a CSV file is read, by its kind.
READING = {
    "folder": ("folder_layout",),
    "csv": ("path_column", "label_column", "image_root"),
    "features": ("labels",),
}
#: The forms of `--dataset` beside names.
FORMS = ", ".join(f"{kind}:{what}" for kind, what in PREFIXES.items())

#: Human labels, by the noise type that selects them: their data set.
HUMAN_LABELS = {
    "worse": "cifar10_n",
    "aggre": "cifar10_n",
    "random1": "cifar10_n",
    "random2": "cifar10_n",
    "random3": "cifar10_n",
    "noisy_fine": "cifar100_n",
}

#: Noise types that depend on a rate and a seed alone.
SEEDED = ("symmetric", "asymmetric", "pair_flip", "instance")
#: Noise types made by a network that the run trains first.
LEARNT = ("polynomial_margin", "semantic")
_OTHER = ("confusion", "open_set")
#: All noise types.
TYPES = ("none", *SEEDED, *LEARNT, *_OTHER, *HUMAN_LABELS)
# DRPL's names of noise types (Ortego et al., ICPR 2020): uniform or not, in or
# out of the distribution. With --noise_matrix, non_uniform_id is confusion.
_DRPL = {
    "uniform_id": "symmetric",
    "non_uniform_id": "asymmetric",
    "uniform_ood": "open_set",
    "non_uniform_ood": "open_set",
}
# The meaning of the rate in that paper.
_DRPL_CONVENTIONS = {"symmetric": "exclude_true", "asymmetric": "matrix"}
# The noise types that each flag belongs to.
_FLAGS_OF_TYPES = {
    "noise_convention": (*SEEDED, "polynomial_margin"),
    "noise_matrix": _OTHER,
    "noise_foreign": ("open_set",),
    "noise_share": ("semantic",),
}

#: Data sets with clean labels: the noise added to them by default.
DEFAULT_NOISE = {
    "digits": ("symmetric", 0.4),
    "cifar10": ("symmetric", 0.5),
    "cifar100": ("symmetric", 0.5),
}
# Shares of the data that weak networks learn from (Lee et al., Robust
# Inference via Generative Classifiers, ICML 2019).
_SHARES = {"cifar100": 0.2}
_SHARE = 0.05


def define():
    """Defines the flags of data and noise."""
    define_source()
    _define_split()
    _define_noise()


def define_source():
    """Defines the flags of the data set alone, and of how it is read."""
    flags.DEFINE_string(
        "dataset",
        "digits",
        "Data set: digits (embedded, no download), cifar10, cifar100; "
        "folder:PATH, with one sub-folder per class; csv:PATH, with "
        "columns of paths and labels; features:FILE, vectors in an .npz, "
        ".npy or .parquet file; tfrecord:PATH, shards; tfds:NAME, any "
        f"classification set of TFDS; or one of {', '.join(LAYOUTS)}, read "
        "from --data_dir.",
    )
    flags.DEFINE_string(
        "data_dir",
        None,
        "Folder of prepared TFDS data (default: TFDS' own), or of the data "
        "set's original files.",
    )
    flags.DEFINE_integer(
        "image_size", None, "Side of the images in pixels.", lower_bound=8
    )
    flags.DEFINE_enum(
        "folder_layout",
        None,
        ("classes", "splits"),
        "What the sub-folders of folder:PATH are, if their names can be read "
        "in two ways.",
    )
    flags.DEFINE_string(
        "path_column",
        None,
        "Column of csv:PATH with the paths of the images; default: path, or "
        "another usual name such as file, filename, image or image_id.",
    )
    flags.DEFINE_string(
        "label_column",
        None,
        "Column of csv:PATH with the labels; default: label, or another usual "
        "name such as class, category or target.",
    )
    flags.DEFINE_string(
        "image_root",
        None,
        "Folder that the paths in csv:PATH start from; default: the folder of "
        "the file.",
    )
    flags.DEFINE_string(
        "labels",
        None,
        "Labels of features:FILE, if it has none: an .npy or .npz file, or a "
        ".csv file with a column label.",
    )
    flags.DEFINE_integer(
        "max_train_samples",
        None,
        "Train on the first samples only, as many as this, before "
        "--noise_foreign_classes are left out of them.",
        lower_bound=1,
    )
    flags.DEFINE_float(
        "max_unreadable",
        None,
        "For folder:PATH, csv:PATH and data sets read from their original "
        "files: how many pictures may be unreadable and are left out, a count "
        "or a share below 1; default: 1 %, and at least one.",
        lower_bound=0.0,
    )


def _define_split():
    flags.DEFINE_float(
        "validation",
        None,
        "Training samples held out to judge the model by, where the data set "
        "has no validation split: a count, or a share below 1. 0 holds out "
        "none: the last epoch is the result, and the test set is reported, "
        "where there is one.",
        lower_bound=0.0,
    )
    flags.DEFINE_list(
        "audit",
        None,
        "Edited label audits, CSV files, by which labels are corrected and "
        "samples left out, one after the other: see "
        "noisy_keras.data.read_audit.",
    )


def _define_noise():
    flags.DEFINE_enum(
        "noise_type",
        None,
        (*TYPES, *_DRPL),
        "Noise added to the training labels; for cifar10_n and cifar100_n, "
        "which of the human labels. DRPL's names: uniform_id is symmetric "
        "noise that excludes the true class; non_uniform_id is confusion with "
        "--noise_matrix, else asymmetric noise in which each label changes "
        "independently; uniform_ood is open_set, non_uniform_ood open_set "
        "with --noise_matrix.",
    )
    flags.DEFINE_float(
        "noise_rate",
        None,
        "Nominal rate of the added noise in [0, 1). For data whose labels are "
        "noisy as found: with --noise_type=none, the share thought to be "
        "wrong, by which settings are chosen; left out, it is estimated after "
        "the warm-up.",
    )
    flags.DEFINE_string(
        "noise_convention",
        None,
        "Meaning of the rate; see noisy_keras.data.SymmetricNoise. For "
        "polynomial_margin its kind: I, II or III.",
    )
    flags.DEFINE_string(
        "noise_matrix",
        None,
        "For confusion: a file of K x K confusions (.npy, or .csv of numbers "
        "alone), row = true class. For open_set: row = foreign class, column "
        "= label; left out, any foreign picture may get any label. Classes "
        "are as --noise_foreign_classes leaves and orders them.",
    )
    flags.DEFINE_string(
        "noise_foreign",
        None,
        "For open_set: data set of the foreign pictures, as --dataset takes "
        "it; default: --noise_foreign_classes.",
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
        "looked up in --noise_foreign or --noise_foreign_classes.",
    )
    flags.DEFINE_integer("noise_seed", 0, "Seed of the added noise.")


def split_name(dataset):
    """The parts of a value of `--dataset`.

    Args:
        dataset: str, `NAME`, or one of `PREFIXES`, a colon and what follows.

    Returns:
        The kind (`"name"`, `"layout"` or one of `PREFIXES`) and the name or
        path.
    """
    prefix, colon, path = dataset.partition(":")
    if colon and prefix in PREFIXES:
        return prefix, path
    return ("layout" if dataset in LAYOUTS else "name"), dataset


def short_name(dataset):
    """The name of a data set for the name of a run's folder: str."""
    kind, name = split_name(dataset)
    if kind == "tfds":
        return re.sub(r"\W+", "_", name)
    if kind in PREFIXES:
        base = os.path.basename(os.path.normpath(os.path.expanduser(name)))
        if kind in ("csv", "features"):
            base = os.path.splitext(base)[0]
        return re.sub(r"[*?{}\[\]]+", "_", base)
    return name


def check(dataset, flag="dataset"):
    """Raises unless there is such a data set, as far as names and paths tell.

    Args:
        dataset: str, value of the flag.
        flag: str, name of the flag.

    Raises:
        UsageError: an unknown name, or a path that does not exist.
    """
    kind, name = split_name(dataset)
    # Remote paths are checked when TensorFlow has loaded.
    local = "://" not in name
    name = os.path.expanduser(name)
    if kind == "folder" and local and not os.path.isdir(name):
        raise UsageError(
            f"--{flag}: expected folder:PATH with one sub-folder per class; "
            f"got {name!r}, which is no folder"
        )
    if kind == "csv" and local and not os.path.isfile(name):
        raise UsageError(
            f"--{flag}: expected csv:PATH of a file with the columns path and "
            f"label; got {name!r}, which is no file"
        )
    if kind == "features":
        # Imported here: other data does not need it.
        from trainers.flags import features

        features.check_file(flag, f"{kind}:FILE", name)
    if kind == "tfrecord" and local and not _has_records(name):
        raise UsageError(
            f"--{flag}: expected tfrecord:PATH of a folder that "
            "noisy_keras.data.shard wrote, or of shards with * in their name; "
            f"got {name!r}, where there are none"
        )
    if kind == "tfds" and not name:
        raise UsageError(
            f"--{flag}: expected tfds:NAME of a data set; got no name"
        )
    if kind != "name" or name in NAMES:
        return
    known = sorted((*NAMES, *LAYOUTS))
    near = difflib.get_close_matches(dataset, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(
        f"--{flag}: expected one of {', '.join(known)}, {FORMS}; "
        f"got {dataset!r}.{hint}"
    )


def reading(dataset, values):
    """How a folder, a CSV file or a file of features is read.

    Args:
        dataset: str, value of `--dataset`.
        values: dict of all flags by name; None where left out.

    Returns:
        dict of the flags in `READING`, with absolute paths.

    Raises:
        UsageError: a flag of another kind of data set, or no such folder.
    """
    kind = split_name(dataset)[0]
    found = {}
    for wanted, names in READING.items():
        for name in names:
            found[name] = values.get(name)
            if found[name] is not None and kind != wanted:
                raise UsageError(
                    f"--{name}: expected with --dataset={wanted}:"
                    f"{PREFIXES[wanted]} alone; "
                    f"got --dataset={dataset}"
                )
    if found["labels"] is not None:
        path = os.path.expanduser(found["labels"])
        from trainers.flags import features

        features.check_file("labels", "FILE", path, features.LABEL_FILES)
        if "://" not in path:
            path = os.path.abspath(path)
        found["labels"] = path
    root = found["image_root"]
    if root is not None and "://" not in root:
        root = os.path.abspath(os.path.expanduser(root))
        if not os.path.isdir(root):
            raise UsageError(
                "--image_root: expected the folder that paths start from; got "
                f"{values['image_root']!r}, which is no folder"
            )
        found["image_root"] = root
    return found


def _has_records(path):
    path = path.replace("{split}", "*")
    return os.path.isdir(path) or bool(glob.glob(path))


def noise_settings(dataset, values):
    """The noise that a run adds to its labels.

    Args:
        dataset: str, value of `--dataset`.
        values: dict of all flags by name; None where left out.

    Returns:
        dict of all `noise_` settings of a run.

    Raises:
        UsageError: flags that do not go together, or a number out of range.
    """
    given_type, rate = _type_and_rate(dataset, values)
    given = {name: values[name] for name in _FLAGS_OF_TYPES}
    noise_type = _DRPL.get(given_type, given_type)
    if given_type == "non_uniform_id" and given["noise_matrix"] is not None:
        noise_type = "confusion"
    classes = values["noise_foreign_classes"]
    from_file = values["noise_manifest"] is not None
    for name, types in _FLAGS_OF_TYPES.items():
        if given[name] is None:
            continue
        # A manifest has the ids of foreign pictures, not the pictures.
        if from_file and name != "noise_foreign":
            raise UsageError(
                f"--{name}: expected none beside --noise_manifest, which has "
                f"the noisy labels; got {given[name]}"
            )
        if noise_type not in types:
            raise UsageError(
                f"--{name}: expected with --noise_type={'|'.join(types)} "
                f"alone; got --noise_type={given_type}"
            )
    _check_classes(classes)
    if given["noise_foreign"] is not None:
        check(given["noise_foreign"], flag="noise_foreign")
    if from_file:
        require_file(
            "noise_manifest",
            values["noise_manifest"],
            "the noise_manifest.npz of a run",
        )
    else:
        _check_complete(given_type, noise_type, given, classes)
        if given_type in _DRPL and given["noise_convention"] is None:
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
    """The noise type as the flag names it, and the nominal rate or None."""
    noise_type, rate = values["noise_type"], values["noise_rate"]
    human = [kind for kind, name in HUMAN_LABELS.items() if name == dataset]
    if noise_type in HUMAN_LABELS or human:
        return _human_labels(dataset, noise_type, rate, human)
    noisy_as_found = dataset not in DEFAULT_NOISE
    if noisy_as_found and noise_type is None and rate is None:
        return presets.ESTIMATED, None
    usual_type, usual_rate = DEFAULT_NOISE.get(dataset, (None, None))
    if noise_type is None:
        wanted = usual_rate if rate is None else rate
        noise_type = "none" if wanted == 0.0 else usual_type or "symmetric"
    if noise_type == "semantic":
        if rate is not None:
            raise UsageError(
                "--noise_rate: expected none with --noise_type=semantic, "
                "whose rate is the error rate of a weak network; got "
                f"{rate}"
            )
        return noise_type, presets.NOMINAL_RATES[noise_type]
    if noise_type == "none" and rate and not noisy_as_found:
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
            f"{HUMAN_LABELS[noise_type]}; got --dataset={dataset}"
        )
    noise_type = noise_type or human[0]
    if noise_type not in human or rate is not None:
        wrong = "noise_type" if noise_type not in human else "noise_rate"
        raise UsageError(
            f"--{wrong}: expected --noise_type to be one of "
            f"{', '.join(human)} for {dataset}, and no rate; "
            f"got {noise_type if wrong == 'noise_type' else rate}"
        )
    return noise_type, presets.NOMINAL_RATES[noise_type]


def _check_classes(classes):
    if classes is None:
        return
    wrong = [c for i, c in enumerate(classes) if not c or c in classes[:i]]
    if wrong or not classes:
        raise UsageError(
            "--noise_foreign_classes: expected different names or numbers of "
            f"classes such as cat,automobile; got {','.join(classes)!r}"
        )


def _check_complete(given_type, noise_type, given, classes):
    """Raises unless all flags are there that a noise type needs."""
    matrix = given["noise_matrix"]
    if noise_type == "confusion" and matrix is None:
        raise UsageError(
            "--noise_matrix: expected a file of K x K confusions with "
            "--noise_type=confusion; got none"
        )
    if given_type == "non_uniform_ood" and matrix is None:
        raise UsageError(
            "--noise_matrix: expected a file of foreign classes x labels with "
            "--noise_type=non_uniform_ood; got none"
        )
    if given_type == "uniform_ood" and matrix is not None:
        raise UsageError(
            "--noise_matrix: expected none with --noise_type=uniform_ood, for "
            "which any foreign picture will do; got one: --noise_type="
            "non_uniform_ood takes it"
        )
    if noise_type == "open_set" and not (given["noise_foreign"] or classes):
        raise UsageError(
            "--noise_foreign: expected a data set of foreign pictures, or "
            "--noise_foreign_classes, with "
            f"--noise_type={given_type}; got none"
        )
    if matrix is not None:
        require_file("noise_matrix", matrix, "a .npy or .csv file")
    share = given["noise_share"]
    if share is not None and not 0.0 < share < 1.0:
        raise UsageError(
            f"--noise_share: expected a share in (0, 1); got {share}"
        )
