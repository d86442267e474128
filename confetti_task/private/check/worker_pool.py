"""Who does the work: threads of this process, or the workers of a dask cluster. All through concurrent.futures."""

import os
import sys
from collections import deque
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Optional

from ...version import __version__

# So often dask does a range again whose worker was lost.
RETRIES = 3


@dataclass(frozen=True)
class Workers:
    """
    Workers that do jobs.

    Attributes
    ----------
    processes, threads : int
        Number of processes, and of threads in each of them.
    executor : `~concurrent.futures.Executor` or None
        None where this thread does all itself.
    """

    processes: int = 1
    threads: int = 1
    executor: Optional[Executor] = None

    def in_order(self, function, jobs, at_once=None):
        """
        Do jobs, and give their results in the order of the jobs.

        Parameters
        ----------
        function : callable
            What to do: a pure function of its arguments.
        jobs : iterable of tuple
            Its arguments.
        at_once : int or None
            How many jobs a process may do at once; None for as many as it has threads, with others waiting so that
            nobody is idle.

        Yields
        ------
        result
            Of each job.
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
    Workers for the time of a measurement.

    Parameters
    ----------
    parallel : bool or int
        True for the workers of the dask.distributed client that is active, or where there is none a thread on every
        core; else the number of threads.
    mapped : bool
        Whether pixels can be read without CASA, whose tools bear one thread only.

    Yields
    ------
    workers : `Workers`
        To be used within the context.

    Raises
    ------
    ValueError
        If ``parallel`` is no number of threads, or the workers of the cluster have another version of this package.
    """
    if not isinstance(parallel, (bool, int)) or parallel < 0:
        raise ValueError(f"parallel should be True, False or a number of threads (got {parallel!r})")
    client = _dask_client() if mapped and parallel is True else None
    threads = (_cores() if parallel is True else max(1, parallel)) if mapped else 1
    if client is not None:
        _check_version(client)
        nthreads = client.nthreads().values()
        yield Workers(max(1, len(nthreads)), max(nthreads, default=1), client.get_executor(pure=False, retries=RETRIES))
    elif threads == 1:
        yield Workers()
    else:
        with ThreadPoolExecutor(threads) as executor:
            yield Workers(1, threads, executor)


def _cores():
    """Cores that this process may use; macOS tells all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _check_version(client):
    try:
        others = set(client.run(get_version).values()) - {get_version()}
    except Exception as error:  # whatever keeps the workers from it
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
    """Version of this package where this is called."""
    return __version__


def _dask_client():
    """The active client of dask.distributed, if somebody has made one."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None
