"""The settings of recipes that end with a host: DMLP and C2D."""

import dataclasses

from trainers.presets import contrastive as contrastive_presets

METHODS = ("dmlp", "c2d")

#: What DMLP's hosts are set for, whatever the noise before: the papers say
#: nothing of it, and purified labels are as good as the least noise that hosts
#: were published for.
PURIFIED_NOISE = ("symmetric", 0.2)

# Trusted samples per class. The paper has 1,000 in all on CIFAR.
_TRUSTED = {"digits": 10, "cifar10": 100, "cifar100": 10}
_TRUSTED_PICTURES = 20

# What C2D's code does in DivideMix beside its encoder.
_C2D = {"warmup_view": "jitter", "warmup_clip_norm": 1.0}


def preset(recipe, host, row, dataset, noise_rate):
    """A host's row, as a recipe's last phase takes it.

    Args:
        recipe: one of `METHODS`.
        host: its name.
        row: `Preset` of the host.
        dataset: name.
        noise_rate: nominal, in `[0, 1)`, or None.

    Returns:
        A `Preset`.
    """
    if recipe == "dmlp":
        return dataclasses.replace(
            row,
            source=f"{row.source}; on purified labels",
            trusted=_TRUSTED.get(dataset, _TRUSTED_PICTURES),
        )
    if host != "dividemix":
        return dataclasses.replace(row, source=f"{row.source}; after SimCLR")
    dataset = dataset.removeprefix("tfds:")
    changes = {"warmup": 5, "host": row.host | _C2D}
    if dataset in ("cifar10", "cifar100"):
        changes |= {"network": "resnet18", "epochs": 360}
        if dataset == "cifar100" and 0.8 <= (noise_rate or 0.0) < 0.9:
            changes["host"] |= {
                "unlabeled_weight": 500.0,
                "clean_threshold": 0.03,
            }
    elif dataset == "clothing1m":
        changes |= {"epochs": 120, "drops": (60,)}
        changes["host"] |= {"clean_threshold": 0.7}
    elif dataset in ("mini_webvision", "webvision/mini"):
        changes["host"] |= {"clean_threshold": 0.03}
    return dataclasses.replace(
        row,
        source=f"{row.source}; as Zheltonozhskii et al., C2D, WACV 2022, code",
        **changes,
    )


def pretraining(dataset, name, told):
    """The settings of the phase that learns features.

    Args:
        dataset: name.
        name: `"recommended"` or `"official"`.
        told: dict of `epochs`, `batch_size` and `learning_rate`, None where
            they are left out.

    Returns:
        Where they are from, the number of epochs, and the dict that the
        recipes call `pretraining`.
    """
    dataset = dataset.removesuffix("_n")
    row = contrastive_presets.preset("simclr", dataset, name)
    epochs = told["epochs"] or row.epochs
    share = min(1.0, epochs / row.epochs)
    return (
        row.source,
        epochs,
        {
            "batch_size": told["batch_size"] or row.batch_size,
            "learning_rate": told["learning_rate"] or row.learning_rate,
            "warmup_epochs": min(round(row.rate_warmup * share), epochs - 1),
            "optimizer": row.optimizer,
            "weight_decay": row.weight_decay,
            **row.host,
        },
    )
