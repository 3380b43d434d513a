"""A method of the user's own: the class that `--method=FILE.py:Class` names.

Such a file is executed. That is why the command line names it each time: what
the `config.json` of a run names is never loaded by itself.
"""

import ast
import dataclasses
import difflib
import hashlib
import importlib.util
import inspect
import json
import keyword
import os
import re
import sys
import traceback

from trainers import UsageError
from trainers.run import folder as run_folder

#: The key of `config.json` that says which class a run is of.
KEY = "own_method"

_FORM = "FILE.py:Class, a method of your own"


@dataclasses.dataclass(frozen=True)
class Reference:
    """A class in a file.

    Attributes:
        file: str, path of the file as it was given.
        name: str, name of the class.
    """

    file: str
    name: str

    @property
    def path(self):
        """Absolute path of the file."""
        return os.path.abspath(os.path.expanduser(self.file))

    @property
    def module(self):
        """Name of the file's module: the file's, unless another one has it."""
        stem = os.path.splitext(os.path.basename(self.file))[0]
        if not stem.isidentifier() or keyword.iskeyword(stem):
            return "own_method"
        known = sys.modules.get(stem)
        if known is None:
            found = importlib.util.find_spec(stem)
            place = None if found is None else found.origin
        else:
            found, place = known, getattr(known, "__file__", None)
        ours = place is not None and os.path.abspath(place) == self.path
        return stem if found is None or ours else f"own_{stem}"

    def digest(self):
        """SHA-256 of the file, hexadecimal."""
        with open(self.path, "rb") as stream:
            return hashlib.sha256(stream.read()).hexdigest()


def reference(value):
    """The class that a value of `--method` names; nothing is executed.

    Args:
        value: str, `FILE.py:Class`, or None.

    Returns:
        A `Reference`.

    Raises:
        UsageError: another form, no such file, or one that is not Python.
    """
    file, _, name = (value or "").rpartition(":")
    if not file or not name.isidentifier():
        given = repr(value) if value else "none"
        raise UsageError(f"--method: expected {_FORM}; got {given}")
    found = Reference(file, name)
    if not os.path.isfile(found.path):
        raise UsageError(
            f"--method: expected {_FORM}; got {file!r}, which is no file"
        )
    with open(found.path, "rb") as stream:
        source = stream.read()
    try:
        compile(source, found.path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise _does_not_import(found, error, line) from error
    return found


def arguments(text):
    """Arguments as in a call: `q=0.7,layers=(1, 2),view=weak`.

    Values are Python literals; a word alone is a string.

    Args:
        text: str, value of `--arguments`, or None.

    Returns:
        dict from name to value.

    Raises:
        UsageError: anything else.
    """
    expected = "--arguments: expected key=value,... with Python literals"
    try:
        call = ast.parse(f"f({text or ''})", mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"{expected}; got {text!r}") from error
    if not isinstance(call, ast.Call) or call.args:
        raise UsageError(f"{expected}; got {text!r}")
    values = {}
    for argument in call.keywords:
        name, node = argument.arg, argument.value
        if name is None or name in values:
            raise UsageError(f"{expected}, each key once; got {text!r}")
        if isinstance(node, ast.Name):
            values[name] = node.id
            continue
        try:
            values[name] = ast.literal_eval(node)
            json.dumps(values[name])  # As config.json is to hold it.
        except (TypeError, ValueError) as error:
            value = ast.unparse(node)
            raise UsageError(f"{expected}; got {name}={value}") from error
    return values


def load(found):
    """Executes a file and returns the class, known to Keras.

    Args:
        found: `Reference`.

    Returns:
        A subclass of `noisy_keras.NoisyLabelModel`.

    Raises:
        UsageError: the file raises, or has no such method.
    """
    # Imported here: they load TensorFlow, and `reference` comes before that.
    import keras

    import noisy_keras as nk

    module = _executed(found)
    cls = getattr(module, found.name, None)
    if cls is None:
        classes = [n for n, v in vars(module).items() if inspect.isclass(v)]
        near = difflib.get_close_matches(found.name, classes, 3, 0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(
            f"--method: expected a class of {found.file}; got {found.name}, "
            f"which it does not have{hint}"
        )
    if not inspect.isclass(cls) or not issubclass(cls, nk.NoisyLabelModel):
        what = f"of type {type(cls).__name__}"
        if inspect.isclass(cls):
            what = f"a subclass of {cls.__base__.__name__}"
        raise UsageError(
            "--method: expected a subclass of noisy_keras.NoisyLabelModel; "
            f"got {found.name} of {found.file}, {what}"
        )
    if cls.steps is nk.NoisyLabelModel.steps:
        raise UsageError(
            "--method: expected a class that defines steps; got "
            f"{found.name} of {found.file}, which does not"
        )
    if keras.saving.get_registered_name(cls) == cls.__name__:
        register = keras.saving.register_keras_serializable
        register(package=module.__name__)(cls)
    return cls


def _executed(found):
    name = found.module
    spec = importlib.util.spec_from_file_location(name, found.path)
    module = importlib.util.module_from_spec(spec)
    # Where pickles and Keras look for the class. Other modules of its folder
    # can be imported, but hide none.
    sys.modules[name] = module
    sys.path.append(os.path.dirname(found.path))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == found.path
        ]
        line = lines[-1] if lines else None
        raise _does_not_import(found, error, line) from error
    return module


def _does_not_import(found, error, line):
    what = getattr(error, "msg", None) or str(error)
    what = what.strip().split("\n")[0]
    message = (
        f"{type(error).__name__}: {what}" if what else type(error).__name__
    )
    place = f" in line {line}" if line else ""
    return UsageError(
        f"--method: expected a file that can be imported; {found.file} raises "
        f"{message}{place}"
    )


def build(cls, network, source, settings):
    """The model of a run.

    Args:
        cls: as `load` returns it. It is called with the network and the number
            of samples; with the source, where its second argument is of that
            name; and with the arguments of `--arguments`.
        network: as of `noisy_keras.networks.build`.
        source: `Source` to train on.
        settings: `Settings`.

    Returns:
        The model, not compiled.

    Raises:
        UsageError: arguments that the class does not take, or a trusted set
            where it learns without one, or none where it needs one.
    """
    _check_trusted(cls, settings.data)
    names = list(inspect.signature(cls).parameters)
    wants_source = len(names) > 1 and names[1] == "source"
    given = network, source if wants_source else source.num_samples
    refused = (
        f"--arguments: expected those of {cls.__name__}; got "
        f"{', '.join(settings.arguments) or 'none'}"
    )
    try:
        inspect.signature(cls).bind(*given, **settings.arguments)
    except TypeError as error:
        raise UsageError(f"{refused} ({error})") from error
    try:
        return cls(*given, **settings.arguments)
    except ValueError as error:
        message = str(error).strip().split("\n")[0]
        raise UsageError(f"--arguments: {cls.__name__}: {message}") from error
    except TypeError as error:
        unknown = re.search(r"unexpected keyword argument '(\w+)'", str(error))
        if unknown is None or unknown[1] not in settings.arguments:
            raise
        # The class hands them on.
        raise UsageError(f"{refused} ({error})") from error


def _check_trusted(cls, data):
    takes = "trusted" in inspect.signature(cls.fit).parameters
    given = [n for n in ("trusted", "trusted_csv") if data[n] is not None]
    if given and not takes:
        raise UsageError(
            f"--{given[0]}: expected none, as {cls.__name__} learns without "
            f"trusted samples; got {data[given[0]]}"
        )
    if takes and not given:
        raise UsageError(
            f"--trusted: expected the number of samples per class whose labels "
            f"are trusted, from which {cls.__name__} learns; got none"
        )


def facts(found, cls):
    """What `config.json` says of the class.

    Args:
        found: `Reference`.
        cls: as `load` returns it.

    Returns:
        dict of one key.
    """
    import keras

    return {
        KEY: {
            "file": found.file,
            "class": found.name,
            "registered_name": keras.saving.get_registered_name(cls),
            "sha256": found.digest(),
        }
    }


def of_run(folder):
    """What the config of a run says of its class.

    Args:
        folder: str, folder of the run.

    Returns:
        dict, as of `facts`; None for methods of this package.
    """
    path = os.path.join(folder, run_folder.CONFIG)
    try:
        with open(path, encoding="utf-8") as stream:
            own = json.load(stream).get(KEY)
    except (OSError, ValueError, AttributeError):
        return None
    return own if isinstance(own, dict) else None


def check_run(folder, method):
    """Raises unless `--method` is given where a run's model needs it.

    Args:
        folder: str, folder of the run.
        method: str, value of `--method`, or None.

    Raises:
        UsageError: it is missing, or of another class; or a run is of a
            method of this package.
    """
    own = of_run(folder)
    if own is None:
        if method is not None:
            raise UsageError(
                "--method: expected none, as the run is of a method of this "
                f"package; got {method}"
            )
        return
    if method is None:
        raise UsageError(
            f"--method: expected FILE.py:Class, as the model of {folder} is a "
            f"class of the user's own, {own.get('class')} of "
            f"{own.get('file')}; got none. Code is loaded only from a file "
            "that is named here"
        )
    found = reference(method)
    if found.name != own.get("class"):
        raise UsageError(
            f"--method: expected the class {own.get('class')}, of which the "
            f"model of {folder} is; got {found.name}"
        )


def load_for_run(folder, method):
    """Loads the class that the model of a run is of, so that it can be read.

    Args:
        folder: str, folder of the run, checked.
        method: str, value of `--method`, or None.

    Raises:
        UsageError: as of `load`.
    """
    own = of_run(folder)
    if own is None:
        return
    import keras

    found = reference(method)
    cls = load(found)
    # The file may have another name by now.
    keras.saving.get_custom_objects()[own.get("registered_name")] = cls
    note_changes(found, own)


def note_changes(found, own):
    """Prints a note where the file is not what a run was begun with."""
    if own.get("sha256") != found.digest():
        print(
            f"note: {found.file} is not what it was when the run began",
            file=sys.stderr,
        )
