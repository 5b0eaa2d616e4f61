"""Folders and files of the data: whose they are when root makes them, and why one can't be used."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
import time
from pathlib import Path

#: Seconds, longer than any file takes to be made.
_A_DAY = 86_400.0
#: Bytes; the state needs a few for every sign-in and page, an import about as many as its extract.
LEAST_ROOM = 200_000_000


def make(folder: Path, mode: int = 0o777) -> None:
    """Make a folder, and those above it, where they are missing; of root's each is the owner's of the one above it.

    Raises:
        OSError: it cannot be made.
    """
    try:
        folder.mkdir(mode=mode)
    except FileNotFoundError:
        make(folder.parent)
        make(folder, mode)
        return
    except OSError:
        if not folder.is_dir():
            raise
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        # One with something in it is another, which was put in its place.
        if not any(os.scandir(descriptor)):
            give_to_owner(descriptor, folder.parent)
    finally:
        os.close(descriptor)


def clear(folder: Path) -> None:
    """Remove what killed processes have left in a folder for passing files: what was not written to for a day."""
    latest = time.time() - _A_DAY
    with contextlib.suppress(OSError):
        for left in folder.iterdir():
            with contextlib.suppress(OSError):
                is_folder = left.is_dir() and not left.is_symlink()
                if max(one.lstat().st_mtime for one in (left, *(left.rglob("*") if is_folder else ()))) < latest:
                    shutil.rmtree(left) if is_folder else left.unlink()


def opened(path: str | Path, flags: int, mode: int = 0o666) -> int:
    """Open a file, and none that a link in its place leads to; one that root makes is its folder's owner's.

    An opener of `open`. What root makes couldn't be read by the service's user; that user may have put links there.

    Raises:
        OSError: it cannot be opened or made, or is a link.
    """
    flags |= os.O_NOFOLLOW
    if flags & os.O_CREAT:
        try:
            made = os.open(path, flags | os.O_EXCL, mode)
        except FileExistsError:
            if flags & os.O_EXCL:
                raise
        else:
            give_to_owner(made, Path(path).parent)
            return made
    return os.open(path, flags, mode)


def is_planted(path: Path) -> bool:
    """Whether a link of another user's is in a file's place, which would lead root elsewhere."""
    return os.geteuid() == 0 and path.is_symlink() and path.lstat().st_uid != 0


def give_to_owner(descriptor: int, folder: Path) -> None:
    """Let a file or folder of root's be the owner's of the folder that it lies in.

    A file that has another name elsewhere is left as it is: that user may have put it there to be given it.
    """
    if os.geteuid() != 0:
        return
    given, above = os.fstat(descriptor), folder.stat()
    if stat.S_ISDIR(given.st_mode) or given.st_nlink == 1:
        os.fchown(descriptor, above.st_uid, above.st_gid)


def fault(folder: Path) -> str | None:
    """Why nothing can be kept in a folder, with what to do; None where it can be, or could be made."""
    above: Path | None = None
    for place in (*reversed(folder.parents), folder):
        try:
            found = place.stat()
        except FileNotFoundError:
            return _unwritable(above or place, f"The folder {place} cannot be made", str(above))
        except OSError as error:
            return f"The folder {place} cannot be used ({error.strerror}). Check its disk and the folders above it."
        if not stat.S_ISDIR(found.st_mode):
            return f"{place} is no folder. Move it away, or name another data folder with DASHBOARD_DATA."
        if not os.access(place, os.X_OK):
            return f"The folder {place} cannot be entered: {_whose(found)}"
        above = place
    return _unwritable(folder, f"The folder {folder} cannot be written", "it")


def lack_of_room(folder: Path, least: int) -> str | None:
    """Why nothing more can soon be kept in a folder that is there; None where its disk has `least` bytes free."""
    free = shutil.disk_usage(folder).free
    if free >= least:
        return None
    return (
        f"The disk of {folder} has {free // 1_000_000:,} MB left: make room. When it is full nobody can sign in and "
        "no file can be taken, since nothing goes on record."
    )


def _unwritable(folder: Path, what: str, called: str) -> str | None:
    if os.access(folder, os.W_OK):
        return None
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return f"{what}: its disk is mounted for reading only. Name another data folder with DASHBOARD_DATA."
    return f"{what}: {_whose(folder.stat(), called)}"


def _whose(found: os.stat_result, called: str = "it") -> str:
    owner, user = _name(found.st_uid), _name(os.geteuid())
    belongs = f"{called} belongs to {owner} (mode {stat.S_IMODE(found.st_mode):o}), and this runs as {user}."
    way = "Let its owner enter and write there"
    if owner != user:
        way = f"Run this as {owner}, or let {user} enter and write there"
    return f"{belongs} {way}; or name another data folder with DASHBOARD_DATA."


def _name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
