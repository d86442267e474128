"""Packaging of confetti_task."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent
version = {}
exec((HERE / "confetti_task" / "version.py").read_text(encoding="utf-8"), version)

setup(
    name="confetti_task",
    version=version["__version__"],
    description="Find the fake sources that CLEAN writes into spectral cubes, and mend the cubes, as CASA tasks",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="BSD-3-Clause",
    packages=find_packages(include=["confetti_task", "confetti_task.*"]),
    package_data={"confetti_task.private.report": ["templates/*"]},
    python_requires=">=3.8",
    # casatools and casatasks come with CASA, and must never be replaced by an installation of this package. scipy comes
    # with casatasks.
    install_requires=["numpy", "astropy"],
    extras_require={
        # 6.7.6.14 does not import on Debian; casatasks imports six without declaring it.
        "casa": ["casatools!=6.7.6.14", "casatasks!=6.7.6.14", "casadata", "six"],
        # The workers of a cluster need no CASA, with which scipy comes elsewhere.
        "dask": ["distributed", "scipy"],
        "benchmark": ["spectral-cube", "dask", "matplotlib", "distributed"],
        "test": ["pytest", "pytest-xdist", "hypothesis", "regions", "pexpect", "ruff", "distributed", "fusepy"]
        # CASA does not import beside openmpi 5.
        + ["casashell!=6.7.6.14", "casampi", "mpi4py", "openmpi<5"],
    },
)
