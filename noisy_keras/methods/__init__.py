"""Methods: one file is one paper is one `keras.Model`.

Every class of a method in a file of this folder is public as `nk.<Class>`:
adding a method means adding its file.
"""

import importlib
import inspect
import pkgutil

from noisy_keras.core.model import NoisyLabelModel


def classes():
    """The classes of methods that the files of this folder define.

    Returns:
        dict from name to class, sorted by name.
    """
    found = {}
    for file in pkgutil.iter_modules(__path__, f"{__name__}."):
        if file.ispkg:
            continue
        module = importlib.import_module(file.name)
        for name, member in vars(module).items():
            method = inspect.isclass(member) and issubclass(
                member, NoisyLabelModel
            )
            if method and member.__module__ == file.name and name[0] != "_":
                found[name] = member
    return dict(sorted(found.items()))
