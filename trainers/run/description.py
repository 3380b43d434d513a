"""What a run prints before it trains: settings, data and networks."""

import numpy as np

from trainers.presets.shared import learning_rate
from trainers.run import pictures
from trainers.run import trusted_set


def describe_settings(settings, folder, resumed):
    """Where the settings are from and where the run is written: lines.

    Args:
        settings: `Settings`.
        folder: str, folder of the run.
        resumed: bool, whether the run goes on from an earlier process.

    Returns:
        str.
    """
    lines = [f"{settings.method} on {settings.data['dataset']}"]
    lines.append(f"settings: {settings.preset}")
    if settings.replaced:
        lines.append(f"replaced by flags: {', '.join(settings.replaced)}")
    lines.append(f"{'going on' if resumed else 'writing'} in {folder}")
    return "\n".join(lines)


def describe(run):
    """The data and the networks of a run in a few lines.

    Args:
        run: `Run`.

    Returns:
        str.
    """
    train, model = run.train, run.model
    lines = [
        f"{train.num_samples} training {_samples(train)}, "
        f"{train.num_classes} classes"
    ]
    if train.noise is not None:
        lines[0] += (
            f", {train.noise['rate']:.0%} {train.noise['type']} noise "
            f"({train.noise['convention']}): {run.effective_noise_rate:.1%} of "
            "the labels are wrong"
        )
    lines += _readings(run)
    if run.judged is None:
        lines.append(
            "no samples are held out: the last epoch is the result, and "
            "nothing chooses"
        )
    lines += map(str, run.corrections)
    if run.changes:
        lines.append(str(run.changes))
    if run.trusted is not None:
        lines.append(
            trusted_set.describe(run.trusted, run.settings.data, run.removed)
        )
    lines += pictures.describe(run)
    size = model.networks[0].count_params()
    count = len(model.networks)
    networks = f"{count} networks of" if count > 1 else "one network of"
    options = run.settings.training
    name = options["network"] or model.networks[0].name
    if options.get("weights"):
        name += f", weights: {options['weights']}"
    lines.append(f"{networks} {size:,} parameters ({name})")
    for plugin in model.plugins:
        masks = getattr(plugin, "mask_network", None)
        if masks is not None:
            size = masks.count_params()
            lines.append(f"masks by {masks.name}, frozen: {size:,} parameters")
    if "epochs" in run.settings.arguments:  # Of a recipe's last phase.
        options = options | {"epochs": run.settings.arguments["epochs"]}
    if run.encoding is not None:
        lines.append(run.encoding.describe())
    lines += learning_rate.describe(options, train.num_samples)
    lines += learning_rate.describe_fine_tuning(options)
    per_class = getattr(model, "divides_per_class", None)
    if per_class is not None and per_class(train):
        sizes = np.bincount(train.labels)
        sizes = sizes[sizes > 0]
        lines.append(
            f"classes of {sizes.min()} to {sizes.max()} {_samples(train)}: "
            "each is divided on its own (--division=global divides all "
            "together)"
        )
    if run.strategy.num_replicas_in_sync > 1:
        lines.append(f"{run.strategy.num_replicas_in_sync} replicas")
    return "\n".join(lines)


def _samples(source):
    """What the samples of a source are, in the plural."""
    return "images" if len(source.image_shape) == 3 else "vectors"


def _readings(run):
    """What was found where the data was read from, and left out: lines."""
    readings = []
    for source in (run.train, run.validation, run.test):
        reading = getattr(source, "reading", None)
        # What is held out of the training split shares its reading.
        if reading is not None and reading not in readings:
            readings.append(reading)
    lines = readings[0].lines() if readings else []
    for reading in readings[1:]:
        if reading.left_out:
            lines.append(f"{reading.split}: {reading.left_out_line()}")
    return lines
