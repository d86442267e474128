"""Other processes that write to the images."""

import json
import logging
import os
import time
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)

# CASA itself waits silently and indefinitely for a process that is writing an image.
LIMIT_SECONDS = 60
LOCKS = "/proc/locks"


def wait_for_writers(path):
    """
    Wait for up to a minute while another process is writing an image.

    Parameters
    ----------
    path : str
        Path of the image.

    Raises
    ------
    ValueError
        If it is still being written after that.
    """
    until = time.monotonic() + LIMIT_SECONDS
    writer = writer_of(path)
    if writer:
        logger.warning(f"Process {writer} is writing {path}; waiting for up to {LIMIT_SECONDS} s")
    while writer:
        if time.monotonic() > until:
            raise ValueError(f"{path} is being written by process {writer}; call again when it has finished")
        time.sleep(0.2)
        writer = writer_of(path)


def writer_of(path):
    """Id of another process on this machine that is writing an image, or None. Only Linux provides it."""
    try:
        files = {_as_in_locks(lock.stat()) for lock in Path(path).rglob("table.lock")}
        held = Path(LOCKS).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    # Locks are looked up, not opened: opening and closing a lock file would drop the locks that this session itself has
    # on it. A line reads 1: POSIX ADVISORY WRITE 1234 fe:00:5678 0 EOF
    for fields in map(str.split, held):
        if len(fields) > 5 and fields[3] == "WRITE" and fields[5] in files and int(fields[4]) not in (os.getpid(), -1):
            return int(fields[4])
    return None


def _as_in_locks(lock):
    return f"{os.major(lock.st_dev):02x}:{os.minor(lock.st_dev):02x}:{lock.st_ino}"


def _fingerprint(cube):
    """Sizes and modification times of all files with pixels, by image."""
    paths = [(part, product) for part in cube.stored for product in part.products]
    return {part.path(product): _files_of(part.path(product)) for part, product in paths}


def _files_of(path):
    parts = [path, *_joined_virtually(path)]
    files = [file for part in parts for file in ([part] if os.path.isfile(part) else Path(part).rglob("table.f*"))]
    return sorted((str(file), os.stat(file).st_size, os.stat(file).st_mtime_ns) for file in files)


def _joined_virtually(path):
    """Images that an image without pixels of its own consists of; ia.imageconcat(mode="nomovevirtual") makes such."""
    description = os.path.join(path, "imageconcat.json")
    if not os.path.exists(description):
        return []
    with open(description, encoding="utf-8") as file:
        names = json.load(file)["Images"]
    return [os.path.join(os.path.dirname(os.path.abspath(path)), name) for name in names]


@contextmanager
def unchanged(cube):
    """
    Check at the end of the context that no image of a cube has changed since its beginning.

    Parameters
    ----------
    cube : `images.cube.Cube`
        Cube that is read within the context.

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
            f"{' and '.join(changed)} changed during the check; call again when nothing else writes to the images"
        )
