"""One run from flags to files."""

import os
import platform
import sys
import time

from absl import flags
from absl import logging

from trainers import quiet
from trainers import settings as settings_module
from trainers.usage import UsageError

FLAGS = flags.FLAGS


def main(argv, method, build, resolve=None):
    """What every trainer's main does.

    Args:
        argv: what absl left over: nothing but the program.
        method: name of the trainer.
        build: function of (network, source, settings) to a model.
        resolve: function of the flags' values to `Settings`; default: the
            shared flags alone.

    Returns:
        Exit status: 0, 1 when training diverged, 2 for what cannot be done.
    """
    if not FLAGS["verbosity"].present:
        # TensorFlow reports every checkpoint through absl, which a run's own
        # lines would drown in.
        logging.set_verbosity(logging.WARNING)
    try:
        if len(argv) > 1:
            raise UsageError(
                "expected flags of the form --name=value; "
                f"got {' '.join(argv[1:])!r}"
            )
        values = {f: FLAGS[f].value for f in FLAGS}
        settings = (resolve or settings_module.resolve)(method, values)
        return _run(settings, build)
    except UsageError as error:
        return _fail(error, 2)
    except FloatingPointError as error:
        return _fail(error, 1)


def _fail(error, status):
    print(f"error: {error}", file=sys.stderr)
    return status


def _run(settings, build):
    # Imported here, so that wrong flags are told before TensorFlow loads.
    from trainers import run_folder

    folder = FLAGS.output_dir or run_folder.default_folder(
        settings.method, settings.data["dataset"]
    )
    resumed = run_folder.check(folder, settings, FLAGS.resume)
    try:
        return _train_in(folder, settings, build, resumed)
    except UsageError:
        run_folder.discard_unused(folder)
        raise


def _train_in(folder, settings, build, resumed):
    from trainers import run_folder

    with quiet.native_messages(os.path.join(folder, run_folder.STARTUP_LOG)):
        from trainers import progress
        from trainers import training
    out = progress.make_console()
    _announce(out, settings, folder, resumed)
    labels = os.path.join(folder, run_folder.LABELS) if resumed else None
    run = training.prepare(
        settings, FLAGS.data_dir, FLAGS.distribute, build, labels
    )
    out.print(training.describe(run))
    run_folder.keep_labels(folder, run.train, resumed)
    if resumed:
        run_folder.check_used(folder, _used(run))
    else:
        run_folder.write_json(
            os.path.join(folder, run_folder.CONFIG), _config(settings, run)
        )
    training.train(run, folder, out, FLAGS.picture_every)
    training.finish(run, folder, out)
    return 0


def _announce(out, settings, folder, resumed):
    out.print(f"{settings.method} on {settings.data['dataset']}")
    out.print(f"settings: {settings.preset}")
    if settings.replaced:
        out.print(f"replaced by flags: {', '.join(settings.replaced)}")
    out.print(f"{'going on' if resumed else 'writing'} in {folder}")


def _config(settings, run):
    from importlib import metadata

    from noisy_keras.version import __version__

    packages = (
        "tensorflow",
        "keras",
        "numpy",
        "tensorflow-probability",
        "tensorflow-datasets",
    )
    return {
        "settings": settings.as_dict(),
        **_used(run),
        "effective_noise_rate": run.effective_noise_rate,
        "noise": run.train.noise,
        "samples": run.train.num_samples,
        "classes": list(run.train.class_names),
        "versions": {
            "noisy_keras": __version__,
            **{name: metadata.version(name) for name in packages},
            "python": platform.python_version(),
        },
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def _used(run):
    """All arguments of the method and its plug-ins, defaults included."""
    return {
        "method": getattr(run.model, "settings", {}),
        "plugins": {
            plugin.name: getattr(plugin, "settings", {})
            for plugin in run.model.plugins
        },
    }
