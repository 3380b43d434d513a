"""One run from flags to files: prepare, train, finish.

Flags are checked before TensorFlow loads, so that a wrong one costs a second
and not ten: this module and what it imports at its top stay without it.
"""

import contextlib
import os
import sys

from absl import app
from absl import flags
from absl import logging

from trainers import UsageError
from trainers.flags import settings as settings_module
from trainers.run import folder as run_folder

FLAGS = flags.FLAGS

# absl prints its help while it parses, when later flags are not known yet.
_HELP = ("--help", "-help", "--helpshort", "-helpshort", "-h", "-?")


def main(argv, method, build, resolve=None, facts=dict):
    """Runs a method: from the flags of its command to the files of a run.

    Args:
        argv: list of str, what absl left over: the name of the program alone.
        method: str, name of the method.
        build: function of (network, source, settings) to an uncompiled model.
        resolve: function of (method, dict of the flags' values) to `Settings`;
            default: `trainers.flags.settings.resolve`.
        facts: function without arguments to a dict of further keys of
            `config.json`; it is called once the model is built.

    Returns:
        int, the exit status, as of `exit_status`.
    """

    def resolved(**changed):
        settings_of = resolve or settings_module.resolve
        if FLAGS.config is None:
            return settings_of(method, _values() | changed)
        from trainers.run import config_file

        def changed_settings_of(method, values):
            return settings_of(method, values | changed)

        return config_file.settings(FLAGS.config, method, changed_settings_of)

    def action():
        settings = resolved()
        values = _values()
        if values["loggers"] != FLAGS["loggers"].default:
            from trainers.run import loggers

            values["loggers"] = loggers.check(values["loggers"])
        folder = values["output_dir"] or run_folder.default_folder(
            settings.method, settings.data["dataset"]
        )
        extension = None
        if os.path.isdir(folder):
            from trainers.run import extending

            extension = extending.find(
                folder, settings, lambda n: resolved(epochs=n), values["resume"]
            )
        resumed = run_folder.check(
            folder, settings, values["resume"], extension
        )
        try:
            _run(
                settings,
                _checked(build),
                folder,
                resumed,
                values,
                facts,
                extension,
            )
        except UsageError:
            run_folder.discard_unused(folder)
            raise

    return exit_status(argv, action, resolved)


def _checked(build):
    """The same, with an error that names unknown arguments of `--config`."""
    if FLAGS.config is None:
        return build
    from trainers.run import config_file

    return config_file.checked(FLAGS.config, build)


def _values():
    return {name: FLAGS[name].value for name in FLAGS}


def _run(settings, build, folder, resumed, values, facts, extension=None):
    with native_messages(os.path.join(folder, run_folder.STARTUP_LOG)):
        # TensorFlow loads here.
        import noisy_keras  # noqa: F401
        from noisy_keras.core import data_errors
        from trainers.run import description
        from trainers.run import errors
        from trainers.run import finish
        from trainers.run import memory
        from trainers.run import pictures
        from trainers.run import prepare
        from trainers.run import progress
        from trainers.run import serving
        from trainers.run import train
    out = progress.make_console()
    pictures.show_warnings(out)
    out.print(description.describe_settings(settings, folder, resumed))
    if values["config"] is not None:
        out.print(f"settings are those of {values['config']}")
    run = prepare.prepare(
        settings,
        values["data_dir"],
        values["distribute"],
        build,
        os.path.join(folder, run_folder.LABELS) if resumed else None,
        run_folder.read_samples(folder) if resumed else None,
        folder,
        out.print,
    )
    serving.check(run, values["export"])
    memory.check(run)
    run.loggers = tuple(values["loggers"])
    out.print(description.describe(run))
    if extension is not None:
        from trainers.run import extending

        done = extending.trained_epochs(folder)
        out.print(
            extending.describe(extension, settings, run.train.num_samples, done)
        )
    prepare.record(run, folder, resumed, facts(), extension)
    used = (run.train, run.validation, run.test, run.trusted)
    images = run
    if run.encoding is not None:
        run = run.encoding.on_features(images)
    with errors.reported(), data_errors.explained(*used):
        train.train(
            run, folder, out, values["picture_every"], values.get("knn_every")
        )
        finish.finish(run, folder, out, values["export"], images)


def start(main):
    """Starts a command; wrong flags end it in one line.

    Args:
        main: function of the arguments that are not flags.
    """
    # `--help` lists the flags of the module that was started, and ours are
    # defined in modules below it; `--helpfull` lists those of absl as well.
    for module, defined in flags.FLAGS.flags_by_module_dict().items():
        if module.startswith(("trainers.", "export.")):
            for flag in defined:
                flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    app.run(main, flags_parser=_parsed)


def _parsed(argv):
    end = argv.index("--") if "--" in argv else len(argv)
    words = [word for word in argv[:end] if word not in _HELP]
    flags.FLAGS["help"].value = len(words) < end
    try:
        return flags.FLAGS([*words, *argv[end:]])
    except flags.Error as error:
        message = " ".join(str(error).split()).rstrip(" .?")
        sys.exit(_fail(f"{message}; --help lists the flags", 2))


def exit_status(argv, action, settings=None):
    """Carries out a command and reports its errors in one line each.

    Args:
        argv: list of str, what absl left over: the name of the program alone.
        action: function without arguments.
        settings: function without arguments to the `Settings` of the flags
            given, from which `--help` shows what the preset decides; or None.

    Returns:
        int: 0, 1 when training diverged, 2 for a request that cannot be met.
        Any other error is a fault of ours and keeps its traceback.
    """
    if not flags.FLAGS["verbosity"].present:
        # TensorFlow logs every checkpoint through absl, among the run's lines.
        logging.set_verbosity(logging.WARNING)
    if flags.FLAGS["help"].value:
        from trainers.run import help_page

        help_page.show(settings)
        return 0
    try:
        if len(argv) > 1:
            raise UsageError(
                "expected flags of the form --name=value; "
                f"got {' '.join(argv[1:])!r}"
            )
        action()
    except UsageError as error:
        return _fail(error, 2)
    except FloatingPointError as error:
        return _fail(error, 1)
    except ImportError as error:
        if "KERAS_BACKEND" not in str(error):
            raise
        return _fail(error, 2)
    return 0


def _fail(error, status):
    print(f"error: {error}", file=sys.stderr)
    return status


@contextlib.contextmanager
def native_messages(path):
    """Redirects what native code writes to standard error into a file.

    Importing TensorFlow prints a screenful about devices that are not there,
    below Python and its log levels. The file keeps it for the case that a
    device is missed, and it is shown if the block raises.

    Args:
        path: str, path of the file; its folder exists.
    """
    # While training, kernels that are missing and replaced are logged as
    # errors. Real errors are raised as exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(path, "ab") as stream:
            os.dup2(stream.fileno(), 2)
            try:
                yield
            except BaseException:
                os.dup2(kept, 2)
                with open(path, encoding="utf-8", errors="replace") as messages:
                    sys.stderr.write(messages.read())
                raise
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
