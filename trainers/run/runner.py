"""One run from flags to files."""

import os
import platform
import time

from absl import flags

from trainers import UsageError
from trainers.flags import settings as settings_module
from trainers.run import command
from trainers.run import startup_log

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
        Exit status, as of `command.status_of`.
    """

    def action():
        values = {f: FLAGS[f].value for f in FLAGS}
        settings = (resolve or settings_module.resolve)(method, values)
        _run(settings, build)

    return command.status_of(argv, action)


def _run(settings, build):
    # Imported here, so that wrong flags are told before TensorFlow loads.
    from trainers.run import folder as run_folder

    folder = FLAGS.output_dir or run_folder.default_folder(
        settings.method, settings.data["dataset"]
    )
    resumed = run_folder.check(folder, settings, FLAGS.resume)
    try:
        _train_in(folder, settings, build, resumed)
    except UsageError:
        run_folder.discard_unused(folder)
        raise


def _train_in(folder, settings, build, resumed):
    from trainers.run import folder as run_folder

    with startup_log.native_messages(
        os.path.join(folder, run_folder.STARTUP_LOG)
    ):
        from trainers.run import pretraining
        from trainers.run import progress
        from trainers.run import training
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
    if pretraining.is_for(run):
        pretraining.train(run, folder, out, FLAGS.knn_every)
        pretraining.finish(run, folder, out)
    else:
        knn_every = FLAGS.knn_every if "knn_every" in FLAGS else None
        training.train(run, folder, out, FLAGS.picture_every, knn_every)
        training.finish(run, folder, out, FLAGS.export)


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
    """What a run that goes on must have: arguments, defaults included.

    And which samples are trusted: a file may have changed under its name.
    """
    trusted = {}
    if run.trusted is not None:
        from noisy_keras.data.sources import manifest

        trusted["trusted_samples"] = {
            "count": run.trusted.num_samples,
            "sha256": manifest.fingerprint(run.trusted),
        }
    return {
        "method": getattr(run.model, "settings", {}),
        "plugins": {
            plugin.name: getattr(plugin, "settings", {})
            for plugin in run.model.plugins
        },
        **trusted,
    }
