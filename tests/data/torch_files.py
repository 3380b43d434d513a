"""Files in the form of `torch.save`, written without PyTorch."""

import pickle
import zipfile


def write(path, found, protocol=2):
    """Writes an object as `torch.save` does.

    Args:
        path: of the file.
        found: anything that can be pickled, or bytes: the pickle itself.
        protocol: PyTorch's is 2.
    """
    if not isinstance(found, bytes):
        found = pickle.dumps(found, protocol)
        # The names that NumPy had before 2.0, when the published files were
        # written.
        found = found.replace(
            b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"
        )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", found)
        archive.writestr("archive/version", "3\n")
