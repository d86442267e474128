"""Whether somebody else is writing the images."""

import os
import time
from contextlib import contextmanager
from pathlib import Path

# CASA waits without a word and without an end for a process that is writing an image.
LIMIT_SECONDS = 60
LOCKS = "/proc/locks"


def wait_for_writers(path):
    """
    Wait for a process that is writing an image, for a minute.

    Parameters
    ----------
    path : str
        Name of the image.

    Raises
    ------
    ValueError
        If it is still writing then.
    """
    until = time.monotonic() + LIMIT_SECONDS
    writer = writer_of(path)
    if writer:
        from casatasks import casalog

        casalog.post(f"Process {writer} is writing {path}; waiting for it, {LIMIT_SECONDS} s at most", "WARN")
    while writer:
        if time.monotonic() > until:
            raise ValueError(f"{path} is being written by process {writer}; call again when that is done")
        time.sleep(0.2)
        writer = writer_of(path)


def writer_of(path):
    """Number of another process on this machine that is writing an image, or None; only Linux tells."""
    try:
        files = {_as_in_locks(lock.stat()) for lock in Path(path).rglob("table.lock")}
        held = Path(LOCKS).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    # To open a lock and close it again would drop the locks that this session has on it itself: so they are only read
    # about. 1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 0 EOF
    for fields in map(str.split, held):
        if len(fields) > 5 and fields[3] == "WRITE" and fields[5] in files and int(fields[4]) not in (os.getpid(), -1):
            return int(fields[4])
    return None


def _as_in_locks(lock):
    return f"{os.major(lock.st_dev):02x}:{os.minor(lock.st_dev):02x}:{lock.st_ino}"


def _fingerprint(cube):
    """Sizes and times of all files of the images that hold pixels, by image."""
    paths = [(part, product) for part in cube.pieces or [cube] for product in part.products]
    return {part.path(product): _files_of(part.path(product)) for part, product in paths}


def _files_of(path):
    files = [path] if os.path.isfile(path) else Path(path).rglob("table.f*")
    return sorted((str(file), os.stat(file).st_size, os.stat(file).st_mtime_ns) for file in files)


@contextmanager
def unchanged(cube):
    """
    Make sure that the images of a cube are, at the end of the context, as they were found at its beginning.

    Parameters
    ----------
    cube : `images.cube.Cube`
        What is read within the context.

    Raises
    ------
    ValueError
        If the files of an image changed.
    """
    before = _fingerprint(cube)
    yield
    now = _fingerprint(cube)
    changed = [path for path in before if now[path] != before[path]]
    if changed:
        raise ValueError(
            f"{' and '.join(changed)} changed while they were checked; call again when nothing writes to them any more"
        )
