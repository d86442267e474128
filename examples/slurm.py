"""
Check a large cube on a SLURM cluster: the same task, on as many nodes as there are.

    casa -c slurm.py IMAGENAME

Needs `pip install dask-jobqueue` and this package in the Python of the workers, which need no CASA, and a disk that all
nodes see. Adapt queue, account and sizes to the cluster.
"""

import sys

from dask_jobqueue import SLURMCluster
from distributed import Client

from confetti_task import confetti_check

NODES = 8


def check(imagename):
    """Check a cube, or the pieces of one, on a cluster, and return the result."""
    node = {"cores": 8, "processes": 1, "memory": "16GB", "walltime": "02:00:00", "queue": "normal"}
    with SLURMCluster(**node) as cluster, Client(cluster) as client:
        cluster.scale(jobs=NODES)
        client.wait_for_workers(NODES)
        return confetti_check(imagename=imagename, memory=8.0)


if __name__ == "__main__":
    result = check(sys.argv[-1])
    print(result["verdict"], result["chans"], result["mask"])
