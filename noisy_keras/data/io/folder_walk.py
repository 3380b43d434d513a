"""Listing of all files below a folder, as people keep them on their disks."""

import dataclasses
import os
import stat

from noisy_keras.data.io import filesystem

#: Folders of systems and programs, in lower case, beside hidden ones.
SYSTEM_FOLDERS = (
    "#recycle",
    "#snapshot",
    "$recycle.bin",
    "@eadir",
    "@recycle",
    "@tmp",
    "__macosx",
    "__pycache__",
    "lost+found",
    "recycler",
    "system volume information",
)

_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclasses.dataclass
class Below:
    """The files below a folder.

    Attributes:
        files: list of str, paths relative to the folder, separated by "/".
        left_out: dict from relative path (str) to the reason (str) of files
            that cannot be read: pipes, sockets, devices, broken links, names
            that are not UTF-8, and folders that cannot be opened.
        hidden: int, number of hidden files and of hidden and system folders.
        repeated: int, number of links to files and folders that are already
            listed, or that lead to a folder above.
    """

    files: list[str] = dataclasses.field(default_factory=list)
    left_out: dict[str, str] = dataclasses.field(default_factory=dict)
    hidden: int = 0
    repeated: int = 0


def is_hidden(name: str) -> bool:
    """Returns whether a file or folder is hidden or belongs to the system."""
    return name.startswith(".") or name.lower() in SYSTEM_FOLDERS


def printable(name: str) -> str:
    """Returns a name with its bytes that are not UTF-8 written as `\\xe9`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def is_encodable(name: str) -> bool:
    """Returns whether a name is UTF-8."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def below(path: str | os.PathLike) -> Below:
    """Lists all files below a folder, except hidden ones.

    Links to files and folders are followed. A file that several links lead to
    is listed once, and links in circles or to a folder above are not followed.

    Args:
        path: str, path of the folder.

    Returns:
        A `Below`, whose files are sorted.
    """
    path = os.fspath(path)
    found = Below()
    if filesystem.is_remote(path):
        _walk_remote(path, "", found)
        found.files.sort()
        return found
    walk = _Walk(path, found)
    walk.folder("")
    # Links come last, so that files have the paths that are not links.
    while walk.links:
        links, walk.links = sorted(walk.links), []
        for relative in links:
            walk.link(relative)
    found.files.sort()
    return found


def regular_files(path: str) -> tuple[dict[str, None], dict[str, str]]:
    """Lists the regular files of a folder, and what else is there.

    Args:
        path: str, path of the folder.

    Returns:
        A pair of dicts: one with the names of regular files, links followed,
        and one from the names of pipes, broken links and so on to the reasons
        (str) why they cannot be read. Both are empty if there is no such
        folder.
    """
    if filesystem.is_remote(path):
        return dict.fromkeys(filesystem.entries(path)[1]), {}
    names: dict[str, None] = {}
    others: dict[str, str] = {}
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if not is_encodable(entry.name) or entry.is_dir():
                    continue
                if entry.is_file():
                    names[entry.name] = None
                else:
                    others[entry.name] = _reason(entry)
    except OSError:
        return {}, {}
    return names, others


def _reason(entry):
    try:
        return _kind(entry.stat().st_mode)
    except OSError as error:
        return f"a link that fails: {error.strerror}"


def _kind(mode):
    kind = next((text for is_kind, text in _KINDS if is_kind(mode)), "")
    return kind or "no regular file"


class _Walk:
    """A walk through a local folder."""

    def __init__(self, root: str, found: Below) -> None:
        self.root, self.found = root, found
        self.links: list[str] = []
        self._files: set[tuple[int, int]] = set()
        # Folders above are not below, whatever links say.
        self._folders: set[tuple[int, int] | None] = set()
        above = os.path.dirname(os.path.realpath(root))
        while True:
            self._folders.add(filesystem.identity(above))
            if above == os.path.dirname(above):
                break
            above = os.path.dirname(above)
        # The given path may be a link; the folders above that, too.
        self._folders.add(
            filesystem.identity(os.path.dirname(os.path.abspath(root)))
        )

    def folder(self, relative: str) -> None:
        """Lists a folder and those below it."""
        path = os.path.join(self.root, relative)
        inode = filesystem.identity(path)
        if inode in self._folders:
            self.found.repeated += 1
            return
        self._folders.add(inode)
        try:
            with os.scandir(path) as entries:
                entries = sorted(entries, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            name = printable(relative) or "."
            self.found.left_out[name] = f"cannot be opened: {error.strerror}"
            return
        for entry in entries:
            self._entry(relative, entry, inode)

    def _entry(self, relative, entry, inode):
        below_root = f"{relative}/{entry.name}" if relative else entry.name
        if is_hidden(entry.name):
            self.found.hidden += 1
        elif entry.is_symlink():
            self.links.append(below_root)
        elif not is_encodable(entry.name):
            self._not_utf8(below_root, entry.is_dir())
        elif entry.is_dir():
            self.folder(below_root)
        elif entry.is_file():
            self._files.add((inode[0], entry.inode()))
            self.found.files.append(below_root)
        else:
            self._leave_out(below_root, entry.stat().st_mode)

    def link(self, relative: str) -> None:
        """Follows a link to a file or folder."""
        path = os.path.join(self.root, relative)
        if not is_encodable(relative):
            self._not_utf8(relative, os.path.isdir(path))
            return
        try:
            found = os.stat(path)
        except OSError as error:
            reason = error.strerror or "cannot be followed"
            self.found.left_out[relative] = f"a link that fails: {reason}"
            return
        if stat.S_ISDIR(found.st_mode):
            self.folder(relative)
        elif not stat.S_ISREG(found.st_mode):
            self._leave_out(relative, found.st_mode)
        elif (found.st_dev, found.st_ino) in self._files:
            self.found.repeated += 1
        else:
            self._files.add((found.st_dev, found.st_ino))
            self.found.files.append(relative)

    def _leave_out(self, relative, mode):
        self.found.left_out[relative] = _kind(mode)

    def _not_utf8(self, relative, is_dir):
        """Leaves out what cannot be named in files and in the console."""
        files = [relative]
        if is_dir:
            # Each file counts, as it would if it could not be read.
            files = [
                os.path.relpath(os.path.join(folder, name), self.root)
                for folder, _, names in os.walk(
                    os.path.join(self.root, relative)
                )
                for name in names
            ] or files
        for name in files:
            self.found.left_out[printable(name)] = (
                "its name is not UTF-8; rename it"
            )


def _walk_remote(root, relative, found):
    folders, files = filesystem.entries(
        os.path.join(root, relative) if relative else root
    )
    start = f"{relative}/" if relative else ""
    for name in files:
        if is_hidden(name):
            found.hidden += 1
        else:
            found.files.append(start + name)
    for name in folders:
        if is_hidden(name):
            found.hidden += 1
        else:
            _walk_remote(root, start + name, found)
