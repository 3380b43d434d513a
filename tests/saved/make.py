"""Freezes small files of one version, which all later versions must load.

Run it with the version whose files are to be frozen, 0.1.0 for those that are
there. Its checkout must come first on the path:

    PYTHONPATH=CHECKOUT_OF_0.1.0 python tests/saved/make.py

It writes the folder `tests/saved/VERSION`, which must not exist. The test
`tests/saved_models_test.py` reads every such folder. A folder that has been
committed is never written again, because it stands for the files of users.

    arguments.json        how everything below was made
    source.npz            the images and labels that it was made with
    NAME.keras            a trained model, as `model.save` writes it
    NAME.npz              its predictions, tables and label audit
    encoder.keras         the network of the SimCLR model alone
    NETWORK.keras         a network of `nk.networks.build`, with compression
    RECIPE/phases/        the artefacts of a recipe's phases
    run/                  the folder of a run of the command line
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

import keras
import numpy as np

import noisy_keras as nk

HERE = os.path.dirname(os.path.abspath(__file__))

# Each class has a colour, which the smallest network learns in a few steps.
COLOURS = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1))
SAMPLES, TRUSTED, SIZE = 48, 16, 16

#: Tables of models, by the names of their attributes.
TABLES = (
    "clean_probability",
    "kept",
    "label_history",
    "labeled",
    "last_predictions",
    "loss_table",
    "prediction_history",
    "predictions",
    "queue",
    "sample_weight",
    "soft_labels",
)

#: Attributes of `LabelAudit`.
AUDIT = (
    "clean_probability",
    "confidence",
    "epochs",
    "evidence",
    "given_label",
    "given_share",
    "suggested_label",
    "verdict",
)

#: Attributes of `PurifiedLabels` that are arrays, and those that are not.
PURIFIED = ("confidence", "given_label", "label", "labels", "replaced")
PURIFIED_VALUES = (
    "candidate",
    "class_names",
    "condition_number",
    "epoch",
    "held_out_accuracy",
    "history",
    "regresses",
    "ridge",
    "twin_views",
)

#: Written to `arguments.json`. Views are light, because the test trains each
#: model for one more step.
ARGUMENTS = {
    "batch_size": 16,
    "models": {
        "cross_entropy": {"class": "CrossEntropy", "epochs": 10},
        "dividemix_sanm": {
            "class": "DivideMix",
            "epochs": 8,
            "options": {
                "warmup_epochs": 5,
                "loss_history": 2,
                "train_view": "weak",
                "num_views": 1,
            },
            "plugin": {"extra_view": "weak", "extra_views": 1},
        },
        "eg": {
            "class": "EG",
            "epochs": 8,
            "trusted": True,
            "options": {
                "unlabeled_weight": 1.0,
                "consistency_weight": 2.0,
                "strong_view": "weak",
                "average_decay": 0.9,
            },
        },
        "ieg": {
            "class": "IEG",
            "epochs": 8,
            "trusted": True,
            "options": {
                "unlabeled_weight": 1.0,
                "consistency_weight": 2.0,
                "strong_view": "weak",
                "average_decay": 0.9,
            },
        },
        "joint_optim": {
            "class": "JointOptim",
            "epochs": 10,
            "options": {"relabel_from": 8, "averaged_epochs": 2},
        },
        "l2r": {"class": "L2R", "epochs": 8, "trusted": True},
        "meta_weight_net": {
            "class": "MetaWeightNet",
            "epochs": 8,
            "trusted": True,
            "options": {"hidden": 6, "meta_learning_rate": 0.01},
        },
        "mlc": {
            "class": "MLC",
            "epochs": 8,
            "trusted": True,
            "options": {
                "embedding": 4,
                "hidden": 6,
                "meta_learning_rate": 0.01,
            },
        },
        "moco": {
            "class": "MoCo",
            "epochs": 3,
            "options": {
                "projection_size": 5,
                "queue_size": 40,
                "key_momentum": 0.9,
                "view": "weak",
            },
        },
        "mslc": {
            "class": "MSLC",
            "epochs": 8,
            "trusted": True,
            "options": {
                "correct_from": 6,
                "hidden": 6,
                "meta_learning_rate": 0.01,
            },
        },
        "simclr": {
            "class": "SimCLR",
            "epochs": 5,
            "options": {"projection_size": 5, "view": "weak"},
        },
    },
    "recipes": {
        "dmlp": {
            "class": "DMLP",
            "trusted": True,
            "options": {
                "epochs": 4,
                "drops": [3],
                "pretrain_epochs": 2,
                "pretraining": {
                    "batch_size": 24,
                    "learning_rate": 0.1,
                    "projection_size": 5,
                    "view": "weak",
                },
            },
            "purifier": {"epochs": 6, "substitute_every": 2, "seed": 1},
        },
        "drpl": {
            "class": "DRPL",
            "options": {
                "relabel_epochs": 8,
                "relabel_from": 7,
                "relabel_drops": [],
                "warmup_epochs": 1,
                "ssl_epochs": 2,
                "ssl_drops": [],
                "final_epochs": 2,
                "final_drops": [1],
            },
        },
    },
    # One with all layers of our own, and the one that commands use for digits.
    "networks": {"resnet32": {"width": 1}, "tiny": {"width": 2}},
    "run": {
        "method": "cross_entropy",
        "flags": [
            "--max_train_samples=160",
            "--batch_size=16",
            "--epochs=5",
            "--width=2",
            "--noexport",
        ],
        # Others hold pictures, or messages of the machine.
        "files": [
            "calibration.json",
            "checkpoints",
            "config.json",
            "label_audit.csv",
            "loss_histograms.jsonl",
            "metrics.jsonl",
            "model.keras",
            "noise_manifest.npz",
            "summary.json",
        ],
    },
}


def main():
    folder = os.path.join(HERE, nk.__version__)
    os.makedirs(folder)
    keras.utils.set_random_seed(0)
    with open(os.path.join(folder, "arguments.json"), "w") as stream:
        json.dump(ARGUMENTS, stream, indent=1)
        stream.write("\n")
    write_source(folder)
    given = read_sources(folder)
    for name, made in ARGUMENTS["models"].items():
        write_model(folder, name, made, *given)
    for name, made in ARGUMENTS["recipes"].items():
        write_recipe(folder, name, made, *given)
    for name, options in ARGUMENTS["networks"].items():
        write_network(folder, name, options, given[0])
    write_run(folder, **ARGUMENTS["run"])


def write_source(folder):
    """Draws the images; three of ten labels are wrong."""
    images, labels = draw(SAMPLES, seed=0)
    noise = nk.data.SymmetricNoise(0.3, 0, convention="exclude_true")
    noisy = nk.data.from_arrays(images, labels).with_noise(noise)
    trusted_images, trusted_labels = draw(TRUSTED, seed=1)
    np.savez_compressed(
        os.path.join(folder, "source.npz"),
        images=images,
        labels=noisy.labels,
        true_labels=labels,
        trusted_images=trusted_images,
        trusted_labels=trusted_labels,
    )


def draw(count, seed):
    """A square in the colour of the class, on noise.

    Returns:
        images uint8 `[count, 16, 16, 3]`, labels int32 `[count]`.
    """
    random = np.random.RandomState(seed)
    labels = (np.arange(count) % len(COLOURS)).astype(np.int32)
    images = random.randint(0, 100, (count, SIZE, SIZE, 3))
    half = SIZE // 2
    for image, label in zip(images, labels, strict=True):
        row, column = random.randint(0, half, 2)
        square = image[row : row + half, column : column + half]
        square += np.multiply(COLOURS[label], 100)
    return images.astype(np.uint8), labels


def read_sources(folder):
    """The sources of a frozen folder.

    Args:
        folder: str, path of the folder of a version.

    Returns:
        Two `Source`s: of the training samples and of the trusted samples.
    """
    with np.load(os.path.join(folder, "source.npz")) as stored:
        arrays = dict(stored)
    augmentation = nk.data.Augmentation(crop_padding=1, horizontal_flip=False)
    options = {
        "class_names": [str(c) for c in range(len(COLOURS))],
        "augmentation": augmentation,
    }
    return (
        nk.data.from_arrays(
            arrays["images"],
            arrays["labels"],
            true_labels=arrays["true_labels"],
            **options,
        ),
        nk.data.from_arrays(
            arrays["trusted_images"], arrays["trusted_labels"], **options
        ),
    )


def small_network(source):
    """A network of few layers: most of a file's bytes are their groups."""
    layers = keras.layers
    inputs = keras.Input(source.image_shape)
    x = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = nk.networks.FusedBatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    scaled = nk.networks.PixelNormalization(
        source.pixel_mean, source.pixel_std, source.pixel_scale
    )
    backbone = keras.Model(inputs, x, name="backbone")
    return nk.networks.from_backbone(backbone, source.num_classes, scaled)


def optimizer_of(name):
    """An optimizer that suits a model; all of ours are used."""
    if name == "moco":
        return nk.LARS(0.2, weight_decay=1e-4)
    if name == "simclr":
        return nk.LARS(nk.warmed_up_cosine(0.3, 10, 1, 3))
    return nk.MomentumSGD(0.1, weight_decay=5e-4)


def write_model(folder, name, made, source, trusted):
    options = dict(made.get("options", {}))
    if "plugin" in made:
        plugin = nk.AdversarialNoisyMasking(**made["plugin"])
        options["plugins"] = [plugin]
    model = getattr(nk, made["class"])(
        small_network(source), source.num_samples, **options
    )
    model.compile(optimizer_of(name))
    model.fit(
        source,
        epochs=made["epochs"],
        batch_size=ARGUMENTS["batch_size"],
        verbose=0,
        **({"trusted": trusted} if made.get("trusted") else {}),
    )
    found = {}
    if name == "simclr":
        model.encoder.save(os.path.join(folder, "encoder.keras"))
        write_outputs(folder, "encoder", model.encoder, source)
    write(folder, name, model, source, found)


def write_recipe(folder, name, made, source, trusted):
    options = dict(made["options"])
    if "purifier" in made:
        options["purifier"] = nk.LabelPurifier(**made["purifier"])
    recipe = getattr(nk, made["class"])(
        small_network(source), source, **options
    )
    recipe.compile(optimizer_of(name))
    with tempfile.TemporaryDirectory() as directory:
        model = recipe.fit(
            source,
            batch_size=ARGUMENTS["batch_size"],
            directory=directory,
            verbose=0,
            **({"trusted": trusted} if made.get("trusted") else {}),
        )
        shutil.copytree(
            os.path.join(directory, "phases"),
            os.path.join(folder, name, "phases"),
        )
    found = {}
    if name == "dmlp":
        found = purified_of(recipe.purified, source)
        source = source.relabel(recipe.purified.label)
    write(folder, name, model, source, found)


def purified_of(purified, source):
    """What `PurifiedLabels` hold and compute: dict of arrays."""
    features = np.random.RandomState(0).normal(size=(5, 6)).astype(np.float32)
    values = {name: getattr(purified, name) for name in PURIFIED_VALUES}
    return {
        "purified/audit": purified.audit(source).clean_probability,
        "purified/features": features,
        "purified/noise": purified.noise.joint,
        "purified/predictions": purified.predict(features),
        "purified/values": np.asarray(json.dumps(values)),
        **{f"purified/{name}": getattr(purified, name) for name in PURIFIED},
    }


def write_network(folder, name, options, source):
    network = nk.networks.build(name, source, **options)
    path = os.path.join(folder, f"{name}.keras")
    with tempfile.TemporaryDirectory() as directory:
        whole = os.path.join(directory, "whole.keras")
        network.save(whole)
        # Hundreds of groups, nearly empty.
        with (
            zipfile.ZipFile(whole) as read,
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written,
        ):
            for member in read.namelist():
                written.writestr(member, read.read(member))
    write_outputs(folder, name, network, source)


def write_outputs(folder, name, network, source):
    """Stores what a network gives for the first images."""
    outputs = network.predict(images_of(source)[:16], verbose=0)
    save(os.path.join(folder, f"{name}.npz"), outputs)


def write_run(folder, method, flags, files):
    kept = os.path.join(folder, "run")
    os.makedirs(kept)
    with tempfile.TemporaryDirectory() as directory:
        run = os.path.join(directory, "run")
        command = [sys.executable, "-m", f"trainers.{method}"]
        command += [f"--output_dir={run}", *flags]
        subprocess.run(command, cwd=directory, check=True)
        for name in files:
            shutil.move(os.path.join(run, name), kept)
    model = keras.models.load_model(os.path.join(kept, "model.keras"))
    source = nk.data.load("digits").subset(range(30))
    found = {
        "images": images_of(source).astype(np.uint8),
        "predictions": model.predict(images_of(source), verbose=0),
        "variables": sums(model.variables),
        "optimizer": sums(model.optimizer.variables),
        **tables_of(model),
    }
    save(f"{kept}.npz", found)


def write(folder, name, model, source, found):
    """Saves a model, and all that must stay the same.

    Args:
        folder: str, path of the folder of a version.
        name: str, name of the files.
        model: the trained `NoisyLabelModel`.
        source: the `Source` that it was trained on.
        found: dict of more arrays to store.
    """
    model.save(os.path.join(folder, f"{name}.keras"))
    audit = model.label_audit(source)
    audited = {key: getattr(audit, key) for key in AUDIT}
    # Verdicts must not depend on the last bits.
    distances = [
        np.abs(audit.clean_probability - 0.5).min(),
        np.abs(audit.confidence - 0.8).min(),
    ]
    if min(distances) < 3e-4:
        raise ValueError(
            f"Expected no sample of {name} at a threshold of the verdicts. "
            f"Received: distances {distances}; change an argument."
        )
    found = {
        "predictions": model.predict(images_of(source), verbose=0),
        "variables": sums(model.variables),
        "optimizer": sums(model.optimizer.variables),
        **tables_of(model),
        **{f"audit/{k}": v for k, v in audited.items() if v is not None},
        **found,
    }
    save(os.path.join(folder, f"{name}.npz"), found)


def save(path, arrays):
    np.savez_compressed(path, **arrays)


def images_of(source):
    return np.asarray(source.fetch(np.arange(source.num_samples)))


def tables_of(model):
    """All tables of a model: dict of arrays."""
    return {
        f"table/{name}": getattr(model, name).numpy()
        for name in TABLES
        if hasattr(model, name)
    }


def sums(variables):
    """Of each variable the sum and the sum of squares: float64 `[V, 2]`."""
    values = [np.asarray(v.numpy(), np.float64) for v in variables]
    return np.asarray([[v.sum(), np.square(v).sum()] for v in values])


if __name__ == "__main__":
    main()
