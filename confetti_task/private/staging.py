"""How products appear under their names: together, whatever stops the task, and for one run at a time."""

import fcntl
import json
import os
import shutil
from contextlib import contextmanager, suppress

LOCK, JOURNAL = "lock", "moves.json"


def staged_root(outfile):
    """Root name of products until they are complete: in a hidden folder beside the place where they will appear."""
    parent, name = os.path.split(os.path.abspath(outfile))
    return os.path.join(parent, f".{name}.partial", name)


@contextmanager
def exclusive(outfile):
    """
    Claim products for one run, and clear away what a killed one left.

    Parameters
    ----------
    outfile : str
        Root name of the products.

    Raises
    ------
    ValueError
        If another run is writing them, or one left older products that cannot be taken back.
    """
    folder = os.path.dirname(staged_root(outfile))
    try:
        with _locked(folder, outfile) as lock:
            roll_back(folder)
            _clear(folder)
            try:
                yield
            finally:
                roll_back(folder)  # where taking back was interrupted, the older products are still in the folder
                _clear(folder)
                # Before it is closed: the next run may have the folder as soon as the lock is free.
                with suppress(OSError):
                    os.remove(lock.name)
    finally:
        with suppress(OSError):
            os.rmdir(folder)


def _locked(folder, outfile):
    """The lock of a folder, which the system opens again however the process ends."""
    path = os.path.join(folder, LOCK)
    while True:
        os.makedirs(folder, exist_ok=True)
        try:
            lock = open(path, "w")  # noqa: SIM115
        except FileNotFoundError:  # the run before has just ended
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
        # It may be that of the run before, which has removed it since.
        if os.path.exists(path) and os.path.samestat(os.stat(path), os.fstat(lock.fileno())):
            return lock
        lock.close()


def _clear(folder):
    """Remove all but the lock."""
    for name in set(os.listdir(folder)) - {LOCK}:
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.remove(path)


def publish(outfile, staged, old, suffixes):
    """
    Let complete products appear under their names, together.

    Parameters
    ----------
    outfile, staged, old : str
        Root names of the products, of the new ones until now, and of older ones afterwards.
    suffixes : sequence of str
        Of the products, in the order in which they appear. Where a rename fails, all are taken back; where the process
        ends between two of them, the next run takes them back, from the journal beside the new ones.
    """
    moves = [(outfile + suffix, old + suffix) for suffix in reversed(suffixes) if os.path.lexists(outfile + suffix)]
    moves += [(staged + suffix, outfile + suffix) for suffix in suffixes if os.path.exists(staged + suffix)]
    folder = os.path.realpath(os.path.dirname(staged))
    journal = os.path.join(folder, JOURNAL)
    with open(journal + ".new", "w", encoding="utf-8") as file:
        json.dump([[os.path.relpath(_real(path), folder) for path in move] for move in moves], file)
        file.flush()
        os.fsync(file.fileno())  # after a power cut it is there whole, or not at all
    os.rename(journal + ".new", journal)
    try:
        for source, target in moves:
            os.rename(source, target)
    except BaseException:
        roll_back(folder)
        raise
    os.remove(journal)  # from here on the new ones are those that hold


def roll_back(folder):
    """
    Take back what was moved, where a process ended between two renames of `publish`.

    Parameters
    ----------
    folder : str
        Where the new products were until then. Without a journal in it nothing is done.
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
            f"{journal} cannot be read: a run was stopped while its products took the places of older ones, which may "
            f"be in {folder}; move back what you need, and remove that folder"
        ) from error
    for source, target in reversed(moves):
        if os.path.lexists(target) and not os.path.lexists(source):
            os.rename(target, source)
    os.remove(journal)


def _real(path):
    """A path without links in its folders; it may be one itself."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)
