"""Packaging of confetti_task; all the rest of it is in pyproject.toml."""

from setuptools import setup

# Here, because the setuptools of Python 3.8 and those of 3.13 do not read the same form of it in pyproject.toml.
setup(license="BSD-3-Clause")
