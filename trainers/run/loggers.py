"""Where the metrics of each epoch go beside `metrics.jsonl`: `--loggers`.

Each project's own Keras callback is used. TensorBoard is written by
`noisy_keras.callbacks.Summaries`, the others from here.
"""

import csv
import importlib.util
import json
import logging
import os

from trainers import UsageError

TENSORBOARD = "tensorboard"
NAMES = (TENSORBOARD, "csv", "mlflow", "wandb")
NONE = "none"
#: In the folder of a run: which runs of MLflow and Weights & Biases it is.
FILE = "loggers.json"

# Those that are extras of the package, by the name of their package.
_EXTRAS = ("mlflow", "wandb")
_PROJECT = "noisy_keras"


def check(names):
    """Checks the value of `--loggers` before TensorFlow loads.

    Args:
        names: list of str.

    Returns:
        tuple of some of `NAMES`.

    Raises:
        UsageError: unknown names, or a package that is not installed.
    """
    unknown = [n for n in names if n not in (*NAMES, NONE)]
    if unknown or not names or (NONE in names and len(names) > 1):
        raise UsageError(
            f"--loggers: expected some of {', '.join(NAMES)}, or {NONE} alone; "
            f"got {','.join(names)!r}"
        )
    for name in names:
        if name in _EXTRAS and importlib.util.find_spec(name) is None:
            raise UsageError(
                f"--loggers: expected packages that are installed; {name} is "
                f"not: pip install 'noisy_keras[{name}]'"
            )
    return tuple(dict.fromkeys(n for n in names if n != NONE))


def callbacks(names, folder, settings, phase=None):
    """The callbacks of all loggers but TensorBoard.

    Args:
        names: some of `NAMES`.
        folder: str, folder of the run.
        settings: dict, what the run was set to, as JSON holds it.
        phase: str, name of a recipe's phase, which gets a file or run of its
            own; or None.

    Returns:
        A list of Keras callbacks.

    Raises:
        UsageError: a logger cannot start.
    """
    found = []
    if "csv" in names:
        name = f"metrics_{phase}.csv" if phase else "metrics.csv"
        found.append(_csv_logger(os.path.join(folder, name)))
    if "mlflow" in names:
        found += _mlflow(folder, settings, phase)
    if "wandb" in names:
        found += _wandb(folder, settings, phase)
    return found


def files(folder, names):
    """What loggers left in the folder of a run.

    Args:
        folder: str, folder of the run.
        names: some of `NAMES`.

    Returns:
        A list of (name of a file, what it is).
    """
    found = []
    if TENSORBOARD in names:
        found.append(("tensorboard/", f"curves: tensorboard --logdir {folder}"))
    tables = [n for n in sorted(os.listdir(folder)) if _is_table(n)]
    if "csv" in names:
        found += [(n, "the same metrics, as a table") for n in tables]
    if os.path.exists(os.path.join(folder, _STORE)):
        uri = f"sqlite:///{os.path.join(folder, _STORE)}"
        found.append((_STORE, f"mlflow ui --backend-store-uri {uri}"))
    if "wandb" in names:
        found.append(("wandb/", "the run of Weights & Biases"))
    return found


def _is_table(name):
    return name.startswith("metrics") and name.endswith(".csv")


# CSV.


def _csv_logger(path):
    import keras

    class CsvLogger(keras.callbacks.CSVLogger):
        """Keras' logger, which goes on where a run is resumed.

        Rows of epochs that are trained once more are left out, and columns
        stay those of the first row: not every epoch has all metrics.
        """

        def on_train_begin(self, logs=None):
            pass  # Where training goes on, is known at its first epoch.

        def on_epoch_begin(self, epoch, logs=None):
            if self.csv_file is None or self.csv_file.closed:
                columns = _keep_rows(self.filename, epoch)
                super().on_train_begin(logs)
                self.keys = columns

        def on_train_end(self, logs=None):
            if self.csv_file is not None:
                super().on_train_end(logs)

    return CsvLogger(path, append=True)


def _keep_rows(path, epoch):
    """Leaves the rows before an epoch; returns the columns beside it."""
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    kept = [r for r in rows[1:] if len(r) == len(rows[0]) and int(r[0]) < epoch]
    if not kept:
        os.unlink(path)
        return None
    # Imported here: it loads TensorFlow.
    from noisy_keras.utils import files as files_module

    with files_module.replacing(path) as stream:
        csv.writer(stream).writerows([rows[0], *kept])
    return rows[0][1:]


# MLflow.

#: Of runs where no tracking server is named.
_STORE = "mlflow.db"


def _mlflow(folder, settings, phase):
    # Nothing is sent anywhere, unless a person wants it to be.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import keras
    import mlflow
    import mlflow.keras

    for name in ("alembic", "mlflow"):  # They report the tables they make.
        logging.getLogger(name).setLevel(logging.WARNING)

    class EndRun(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            mlflow.flush_async_logging()
            mlflow.end_run()

    known = _known(folder, "mlflow", phase)
    try:
        _open_store(mlflow, folder)
        started = mlflow.start_run(
            run_id=known, run_name=None if known else _title(folder, phase)
        )
        if known is None:
            mlflow.log_params(dict(_flat(settings)))
    except mlflow.exceptions.MlflowException as error:
        raise _cannot_start("mlflow", error) from error
    _remember(folder, "mlflow", phase, started.info.run_id)
    return [mlflow.keras.MlflowCallback(), EndRun()]


def _open_store(mlflow, folder):
    """The server that the environment names, or a file in the run."""
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", _PROJECT)
    if os.environ.get("MLFLOW_TRACKING_URI"):
        mlflow.set_experiment(name)
        return
    folder = os.path.abspath(folder)
    mlflow.set_tracking_uri(f"sqlite:///{os.path.join(folder, _STORE)}")
    if mlflow.get_experiment_by_name(name) is None:
        # Else its files would go to the current directory.
        place = os.path.join(folder, "mlflow_artifacts")
        mlflow.create_experiment(name, artifact_location=f"file://{place}")
    mlflow.set_experiment(name)


def _flat(values, prefix=""):
    """Nested settings as (name, value) pairs."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


# Weights & Biases.


def _wandb(folder, settings, phase):
    import keras
    import wandb
    from wandb.integration.keras import WandbMetricsLogger

    class Finish(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            wandb.finish()

    known = _known(folder, "wandb", phase)
    try:
        started = wandb.init(
            project=os.environ.get("WANDB_PROJECT", _PROJECT),
            dir=folder,
            id=known,
            resume=None if known is None else "allow",
            name=_title(folder, phase),
            group=_title(folder, None) if phase else None,
            config=settings,
            # The terminal is the run's own.
            settings=wandb.Settings(console="off"),
        )
    except wandb.errors.Error as error:
        raise _cannot_start("wandb", error) from error
    _remember(folder, "wandb", phase, started.id)
    return [WandbMetricsLogger(), Finish()]


# What both need.


def _title(folder, phase):
    name = os.path.basename(os.path.abspath(folder))
    return f"{name}-{phase}" if phase else name


def _cannot_start(name, error):
    message = str(error).strip().split("\n")[0]
    return UsageError(
        f"--loggers: {name} could not start ({type(error).__name__}: {message})"
    )


def _known(folder, name, phase):
    """The id of a run that goes on, or None."""
    return _read(folder).get(name, {}).get(phase or "")


def _remember(folder, name, phase, id):
    # Imported here: it loads TensorFlow.
    from trainers.run import folder as run_folder

    known = _read(folder)
    known.setdefault(name, {})[phase or ""] = id
    run_folder.write_json(os.path.join(folder, FILE), known)


def _read(folder):
    path = os.path.join(folder, FILE)
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as stream:
        return json.load(stream)
