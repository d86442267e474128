"""Workers: threads of this process, or a dask cluster, both through concurrent.futures."""

import logging
import os
import sys
from collections import deque
from concurrent.futures import CancelledError, Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Optional

from ...version import __version__

logger = logging.getLogger(__name__)

# Number of times dask retries a job whose worker died.
RETRIES = 3

# Set while the threads of an interrupted check end: one job may compare 64 large planes, which takes minutes.
_interrupted = Event()


@dataclass(frozen=True)
class Workers:
    """
    Workers that do jobs.

    Attributes
    ----------
    processes, threads : int
        Number of processes, and of threads in each of them.
    executor : `~concurrent.futures.Executor` or None
        None if the calling thread does all jobs.
    """

    processes: int = 1
    threads: int = 1
    executor: Optional[Executor] = None

    def in_order(self, function, jobs, at_once=None):
        """
        Do jobs, and yield their results in the order of the jobs.

        Parameters
        ----------
        function : callable
            A pure function of its arguments.
        jobs : iterable of tuple
            Arguments of the function.
        at_once : int or None
            Number of jobs that a process may do at once; None for one a thread, with as many waiting so that no thread
            is idle.

        Yields
        ------
        result
            Result of each job.
        """
        limit = 2 * self.processes * self.threads if at_once is None else self.processes * min(at_once, self.threads)
        pending = deque()
        try:
            for job in jobs:
                if self.executor is None:
                    yield function(*job)
                    continue
                pending.append(self.executor.submit(function, *job))
                if len(pending) >= limit:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for job in pending:
                job.cancel()


@contextmanager
def worker_pool(parallel, mapped):
    """
    Workers for the duration of a measurement.

    Parameters
    ----------
    parallel : bool or int
        True for the workers of the active dask.distributed client or, without one, a thread per core; else the number
        of threads.
    mapped : bool
        Whether pixels can be read without CASA, whose tools are not thread-safe.

    Yields
    ------
    workers : `Workers`
        Valid within the context.

    Raises
    ------
    ValueError
        If ``parallel`` is not a number of threads, or the workers of the cluster have another version of this package.
    """
    if not isinstance(parallel, (bool, int)) or parallel < 0:
        raise ValueError(f"parallel should be True, False or a number of threads (got {parallel!r})")
    _interrupted.clear()
    client = _dask_client() if mapped and parallel is True else None
    threads = (cores() if parallel is True else max(1, parallel)) if mapped else 1
    if client is not None:
        _wait_for_a_worker(client)
        _check_version(client)
        nthreads = client.nthreads().values()
        yield Workers(max(1, len(nthreads)), max(nthreads, default=1), client.get_executor(pure=False, retries=RETRIES))
    elif threads == 1:
        yield Workers()
    else:
        with ThreadPoolExecutor(threads) as executor:
            try:
                yield Workers(1, threads, executor)
            except BaseException:
                _interrupted.set()
                raise


def end_if_interrupted():
    """
    End a long job in a thread, of which each step calls this, if the check was interrupted.

    Raises
    ------
    ~concurrent.futures.CancelledError
        After an exception in the context of `worker_pool`, such as Ctrl-C.
    """
    if _interrupted.is_set():
        raise CancelledError


def cores():
    """Number of cores that this process may use; on macOS, all cores."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _wait_for_a_worker(client):
    """Wait, and say so, while the jobs of a cluster are still in the queue."""
    if client.nthreads():
        return
    logger.warning("The dask cluster has no workers yet: waiting for the first; Ctrl-C ends the check")
    client.wait_for_workers(1)
    logger.info("A dask worker has come")


def _check_version(client):
    try:
        others = set(client.run(get_version).values()) - {get_version()}
    except Exception as error:  # of any kind: the package may be missing there, or fail to import
        raise ValueError(
            f"the dask workers cannot use confetti_task: {error}; install it in their Python, or set parallel to a "
            "number of threads"
        ) from error
    if others:
        raise ValueError(
            f"the dask workers have confetti_task {', '.join(sorted(others))}, this session {get_version()}; install "
            "the same, or set parallel to a number of threads"
        )


def get_version():
    """Version of this package in the process that calls this."""
    return __version__


def _dask_client():
    """The active dask.distributed client, or None."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None
