"""Publishing of products: all at once, whatever stops the task, and by one run at a time."""

import fcntl
import json
import os
import shutil
from contextlib import contextmanager, suppress

LOCK, JOURNAL = "lock", "moves.json"


def staged_root(outfile):
    """Root name of products until they are complete: in a hidden folder next to their final place."""
    parent, name = os.path.split(os.path.abspath(outfile))
    return os.path.join(parent, f".{name}.partial", name)


@contextmanager
def exclusive(outfile):
    """
    Reserve products for one run, and remove what a killed run left.

    Parameters
    ----------
    outfile : str
        Root name of the products.

    Raises
    ------
    ValueError
        If another run is writing them, or a killed run left older products that cannot be restored.
    """
    folder = os.path.dirname(staged_root(outfile))
    try:
        with _locked(folder, outfile) as lock:
            roll_back(folder)
            _clear(folder)
            try:
                yield
            finally:
                roll_back(folder)  # after an interrupted rollback the older products are still in the folder
                _clear(folder)
                # Before the lock is released: the next run may then use the folder at once.
                with suppress(OSError):
                    os.remove(lock.name)
    finally:
        with suppress(OSError):
            os.rmdir(folder)


def _locked(folder, outfile):
    """Lock of a folder, which the system releases however the process ends."""
    path = os.path.join(folder, LOCK)
    while True:
        os.makedirs(folder, exist_ok=True)
        try:
            lock = open(path, "w")  # noqa: SIM115
        except FileNotFoundError:  # the previous run has just ended
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise ValueError(
                f"outfile='{outfile}': another confetti_check is writing these products; wait for it, or choose "
                "another outfile"
            ) from error
        except OSError:  # a file system without locks
            return lock
        # It may be the lock of the previous run, which has removed it since.
        if os.path.exists(path) and os.path.samestat(os.stat(path), os.fstat(lock.fileno())):
            return lock
        lock.close()


def _clear(folder):
    """Remove everything except the lock."""
    for name in set(os.listdir(folder)) - {LOCK}:
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.remove(path)


def publish(outfile, staged, old, suffixes):
    """
    Give complete products their final names, all of them or none.

    Parameters
    ----------
    outfile, staged, old : str
        Root names of the products, of the staged new products, and of the older ones afterwards.
    suffixes : sequence of str
        Suffixes of the products, in the order in which they are renamed. If a rename fails, all are undone; if the
        process is killed between two of them, the next run undoes them, from the journal next to the staged products.
    """
    moves = [(outfile + suffix, old + suffix) for suffix in reversed(suffixes) if os.path.lexists(outfile + suffix)]
    moves += [(staged + suffix, outfile + suffix) for suffix in suffixes if os.path.exists(staged + suffix)]
    folder = os.path.realpath(os.path.dirname(staged))
    journal = os.path.join(folder, JOURNAL)
    with open(journal + ".new", "w", encoding="utf-8") as file:
        json.dump([[os.path.relpath(_real(path), folder) for path in move] for move in moves], file)
        file.flush()
        os.fsync(file.fileno())  # after a power failure the journal is complete or absent
    os.rename(journal + ".new", journal)
    try:
        for source, target in moves:
            os.rename(source, target)
    except BaseException:
        roll_back(folder)
        raise
    os.remove(journal)  # the new products are final from here on


def roll_back(folder):
    """
    Undo the renames of a `publish` that did not finish.

    Parameters
    ----------
    folder : str
        Folder of the staged products. Without a journal in it nothing is done.
    """
    folder = os.path.realpath(folder)
    journal = os.path.join(folder, JOURNAL)
    if not os.path.exists(journal):
        return
    try:
        with open(journal, encoding="utf-8") as file:
            moves = [[os.path.normpath(os.path.join(folder, path)) for path in move] for move in json.load(file)]
    except ValueError as error:
        raise ValueError(
            f"{journal} cannot be read: a run was stopped while it replaced older products, which may be in {folder}; "
            "move back what you need, and remove that folder"
        ) from error
    for source, target in reversed(moves):
        if os.path.lexists(target) and not os.path.lexists(source):
            os.rename(target, source)
    os.remove(journal)


def _real(path):
    """Resolve the links in the folders of a path, but not the path itself if it is a link."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)
