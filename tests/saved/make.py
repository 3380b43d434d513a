"""Freezes small files of this version, which all later ones must load.

Run it with the version that is to be frozen, here 0.1.0, whose checkout must
come first on the path:

    PYTHONPATH=CHECKOUT python tests/saved/make.py

It writes the folder `tests/saved/VERSION`, which must not be there yet, and
`tests/saved_models_test.py` finds every such folder by itself. A folder that
was committed is never made again: what it holds is what users have on disk.

    source.npz          the pictures and labels that all models are made with
    arguments.json      how each model was made and trained
    NAME.keras          a trained model, as `model.save` wrote it
    NAME.npz            what that model predicts, its tables, its label audit
    encoder.keras       the network of SimCLR on its own
    NETWORK.keras       a network of `nk.networks.build`, compressed
    RECIPE/phases/      what the phases of a recipe left
    run/                the folder of a run from the command line
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
from tests import toy

HERE = os.path.dirname(os.path.abspath(__file__))

SAMPLES, TRUSTED, BATCH_SIZE = 48, 16, 16

#: Attributes of models and of label audits that are kept.
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

# Light views: the tests train one more step on each model.
_MODELS = {
    "cross_entropy": {"class": "CrossEntropy", "epochs": 3, "options": {}},
    "dividemix_sanm": {
        "class": "DivideMix",
        "epochs": 3,
        "options": {
            "warmup_epochs": 1,
            "loss_history": 2,
            "train_view": "weak",
            "num_views": 1,
        },
        "plugin": {"extra_view": "weak", "extra_views": 1},
    },
    "eg": {
        "class": "EG",
        "epochs": 2,
        "options": {"strong_view": "weak", "average_decay": 0.9},
    },
    "ieg": {
        "class": "IEG",
        "epochs": 2,
        "options": {"strong_view": "weak", "average_decay": 0.9},
    },
    "joint_optim": {
        "class": "JointOptim",
        "epochs": 4,
        "options": {"relabel_from": 2, "averaged_epochs": 2},
    },
    "l2r": {"class": "L2R", "epochs": 2, "options": {}},
    "meta_weight_net": {
        "class": "MetaWeightNet",
        "epochs": 2,
        "options": {"hidden": 6},
    },
    "mlc": {
        "class": "MLC",
        "epochs": 2,
        "options": {"embedding": 4, "hidden": 6},
    },
    "moco": {
        "class": "MoCo",
        "epochs": 2,
        "options": {
            "projection_size": 5,
            "queue_size": 40,
            "key_momentum": 0.9,
            "view": "weak",
        },
    },
    "mslc": {
        "class": "MSLC",
        "epochs": 3,
        "options": {"correct_from": 1, "hidden": 6},
    },
    "simclr": {
        "class": "SimCLR",
        "epochs": 2,
        "options": {"projection_size": 5, "view": "weak"},
    },
}
_WITH_TRUSTED = ("eg", "ieg", "l2r", "meta_weight_net", "mlc", "mslc")

_RECIPES = {
    "drpl": {
        "class": "DRPL",
        "options": {
            "relabel_epochs": 3,
            "relabel_from": 1,
            "relabel_drops": [],
            "warmup_epochs": 1,
            "ssl_epochs": 1,
            "ssl_drops": [],
            "final_epochs": 1,
            "final_drops": [],
        },
    },
    "dmlp": {
        "class": "DMLP",
        "options": {
            "epochs": 2,
            "drops": [1],
            "pretrain_epochs": 2,
            "pretraining": {
                "batch_size": 24,
                "projection_size": 5,
                "view": "weak",
            },
        },
        "purifier": {"epochs": 4, "substitute_every": 2, "seed": 1},
    },
}

# Networks with layers of ours that the models above have not.
_NETWORKS = {"resnet32": {"width": 1}}

# Of the command line.
_METHOD = "cross_entropy"
_FLAGS = ("--max_train_samples=120", "--epochs=2", "--width=2", "--noexport")
# What else it writes depends on the machine, or is drawn from these.
_RUN_FILES = (
    "calibration.json",
    "checkpoints",
    "config.json",
    "label_audit.csv",
    "loss_histograms.jsonl",
    "metrics.jsonl",
    "model.keras",
    "noise_manifest.npz",
    "summary.json",
)


def main():
    folder = os.path.join(HERE, nk.__version__)
    os.makedirs(folder)
    keras.utils.set_random_seed(0)
    _write_source(folder)
    source, trusted = sources(folder)
    for name in _MODELS:
        _write_model(folder, name, source, trusted)
    for name in _RECIPES:
        _write_recipe(folder, name, source, trusted)
    for name in _NETWORKS:
        _write_network(folder, name, source)
    _write_run(folder)
    arguments = {
        "batch_size": BATCH_SIZE,
        "models": _MODELS,
        "networks": _NETWORKS,
        "recipes": _RECIPES,
        "run": {"method": _METHOD, "flags": list(_FLAGS)},
        "trusted": list(_WITH_TRUSTED),
    }
    with open(os.path.join(folder, "arguments.json"), "w") as stream:
        json.dump(arguments, stream, indent=1)
        stream.write("\n")


def sources(folder):
    """The training samples and the trusted ones of a frozen folder.

    Args:
        folder: path of a version's folder.

    Returns:
        A pair of `Source`s.
    """
    with np.load(os.path.join(folder, "source.npz")) as stored:
        arrays = dict(stored)
    augmentation = nk.data.Augmentation(crop_padding=1, horizontal_flip=False)
    options = {
        "class_names": [str(c) for c in range(toy.CLASSES)],
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


def _write_source(folder):
    noisy = toy.source(SAMPLES, rate=0.3)
    trusted_images, trusted_labels = toy.pictures(TRUSTED, seed=5)
    np.savez_compressed(
        os.path.join(folder, "source.npz"),
        images=np.asarray(noisy.fetch(np.arange(SAMPLES))),
        labels=noisy.labels,
        true_labels=noisy.true_labels,
        trusted_images=trusted_images,
        trusted_labels=trusted_labels,
    )


def _small_network(source):
    """As few layers as a file can have that is still a network of ours."""
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


def _optimizer(name):
    if name == "moco":
        return nk.LARS(0.2, weight_decay=1e-4)
    if name == "simclr":
        return nk.LARS(nk.warmed_up_cosine(0.5, 4, 1, SAMPLES // BATCH_SIZE))
    return nk.MomentumSGD(0.05, weight_decay=5e-4)


def _write_model(folder, name, source, trusted):
    made = _MODELS[name]
    options = dict(made["options"])
    if "plugin" in made:
        plugin = nk.AdversarialNoisyMasking(**made["plugin"])
        options["plugins"] = [plugin]
    if name == "cross_entropy":
        network = nk.networks.build("tiny", source, width=2)
    else:
        network = _small_network(source)
    model = getattr(nk, made["class"])(network, source.num_samples, **options)
    model.compile(_optimizer(name))
    given = {"trusted": trusted} if name in _WITH_TRUSTED else {}
    model.fit(
        source,
        epochs=made["epochs"],
        batch_size=BATCH_SIZE,
        verbose=0,
        **given,
    )
    more = {}
    if name == "simclr":
        model.encoder.save(os.path.join(folder, "encoder.keras"))
        seen = model.encoder.predict(_pictures(source), verbose=0)
        more = {f"encoder/{key}": value for key, value in seen.items()}
    _write(folder, name, model, source, more)


def _write_recipe(folder, name, source, trusted):
    made = _RECIPES[name]
    options = dict(made["options"])
    if "purifier" in made:
        options["purifier"] = nk.LabelPurifier(**made["purifier"])
    recipe = getattr(nk, made["class"])(
        _small_network(source), source, **options
    )
    recipe.compile(nk.MomentumSGD(0.05))
    given = {"trusted": trusted} if name == "dmlp" else {}
    with tempfile.TemporaryDirectory() as directory:
        model = recipe.fit(
            source,
            batch_size=BATCH_SIZE,
            directory=directory,
            verbose=0,
            **given,
        )
        shutil.copytree(
            os.path.join(directory, "phases"),
            os.path.join(folder, name, "phases"),
        )
    more = {}
    if name == "dmlp":
        purified = recipe.purified
        features = np.random.RandomState(0).normal(size=(5, 6))
        more = {
            "purified/audit": purified.audit(source).clean_probability,
            "purified/class_names": np.asarray(purified.class_names),
            "purified/confidence": purified.confidence,
            "purified/features": features.astype(np.float32),
            "purified/given_label": purified.given_label,
            "purified/label": purified.label,
            "purified/labels": purified.labels,
            "purified/noise": purified.noise.joint,
            "purified/predictions": purified.predict(features),
            "purified/replaced": purified.replaced,
        }
        # One to one with the attributes of the same names.
        for key in (
            "candidate",
            "epoch",
            "held_out_accuracy",
            "condition_number",
            "ridge",
            "history",
            "regresses",
            "twin_views",
        ):
            more[f"purified/json/{key}"] = np.asarray(
                json.dumps(getattr(purified, key))
            )
        source = recipe.labels_of(recipe.phases[-1], source)
        more["relabelled"] = source.labels
    _write(folder, name, model, source, more)


def _write_network(folder, name, source):
    network = nk.networks.build(name, source, **_NETWORKS[name])
    path = os.path.join(folder, f"{name}.keras")
    whole = path.replace(".keras", ".whole.keras")
    network.save(whole)
    # Deep networks have long files of many empty groups.
    with (
        zipfile.ZipFile(whole) as read,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written,
    ):
        for member in read.namelist():
            written.writestr(member, read.read(member))
    os.remove(whole)
    outputs = network.predict(_pictures(source), verbose=0)
    np.savez_compressed(os.path.join(folder, f"{name}.npz"), **outputs)


def _write_run(folder):
    """A run from the command line, of this very version."""
    with tempfile.TemporaryDirectory() as directory:
        run = os.path.join(directory, "run")
        subprocess.run(
            [
                sys.executable,
                "-m",
                f"trainers.{_METHOD}",
                f"--output_dir={run}",
                *_FLAGS,
            ],
            cwd=directory,
            check=True,
        )
        os.makedirs(os.path.join(folder, "run"))
        for name in _RUN_FILES:
            shutil.move(os.path.join(run, name), os.path.join(folder, "run"))


def _pictures(source):
    return np.asarray(source.fetch(np.arange(source.num_samples)))


def _write(folder, name, model, source, more):
    """Saves a model and what it must give for ever."""
    model.save(os.path.join(folder, f"{name}.keras"))
    found = {
        "predictions": model.predict(_pictures(source), verbose=0),
        "variables": _sums(model.variables),
        "optimizer": _sums(model.optimizer.variables),
        **more,
    }
    for table in TABLES:
        if hasattr(model, table):
            found[f"table/{table}"] = getattr(model, table).numpy()
    audit = model.label_audit(source)
    # What lies at a threshold would be another verdict on another machine.
    distances = [
        np.abs(audit.clean_probability - 0.5).min(),
        np.abs(audit.confidence - 0.8).min(),
    ]
    if min(distances) < 1e-3:
        raise ValueError(
            f"Expected no sample of {name} at a threshold of the verdicts. "
            f"Received: distances {distances}; change a setting."
        )
    for key in AUDIT:
        value = getattr(audit, key)
        if value is not None:
            found[f"audit/{key}"] = np.asarray(value)
    np.savez_compressed(os.path.join(folder, f"{name}.npz"), **found)


def _sums(variables):
    """Of each variable the sum and that of squares: float64 `[V, 2]`."""
    values = [np.asarray(v.numpy(), np.float64) for v in variables]
    return np.asarray([[v.sum(), np.square(v).sum()] for v in values])


if __name__ == "__main__":
    main()
