"""The rooms of the package, and which may import which. The truth by which it is judged imports none of them."""

import ast
import sys
from pathlib import Path

import pytest
from conftest import TOP

import confetti_task

PRIVATE = Path(confetti_task.__file__).parent / "private"
# In the order of the data: each imports only from those before it, and from its own.
ROOMS = ("core", "images", "check", "deconvolve", "report", "products", "reclean", "story")
MODULES = {path.relative_to(PRIVATE).as_posix(): path for path in PRIVATE.rglob("*.py") if path.name != "__init__.py"}
TOP_MODULES = {"products.py": "products", "staging.py": "products"}
SCRIPTS = {path.stem: path for path in (TOP / "scripts").glob("*.py")}


def room_of(path):
    """Room of a module, given by its path below 'private'."""
    return path.split("/")[0] if "/" in path else TOP_MODULES.get(path, "story")


def imports(path):
    """Full names of the modules that a module imports, anywhere in it."""
    return imports_of(MODULES[path], ["confetti_task", "private", *path.split("/")[:-1]])


def imports_of(file, package=()):
    """Full names of the modules that a file of a package imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{start}.{name.name}" for name in node.names)


def rooms_imported(path):
    """Rooms that a module imports from."""
    for name in imports(path):
        if name.startswith("confetti_task.private."):
            parts = name.split(".")[2:]
            yield parts[0] if parts[0] in ROOMS else TOP_MODULES.get(parts[0] + ".py", "story")


@pytest.mark.parametrize("path", sorted(MODULES))
def test_a_room_imports_only_from_those_before_it(path):
    before = ROOMS[: ROOMS.index(room_of(path)) + 1]
    assert set(rooms_imported(path)) <= set(before)


@pytest.mark.parametrize("path", sorted(path for path in MODULES if room_of(path) == "core"))
def test_the_core_imports_numpy_and_scipy_alone(path):
    outside = {name.split(".")[0] for name in imports(path)} - {"confetti_task"}
    standard = getattr(sys, "stdlib_module_names", {"collections", "dataclasses", "functools", "math"})
    assert outside <= {"numpy", "scipy", *standard}


def test_every_module_is_in_a_room():
    assert {room_of(path) for path in MODULES} == set(ROOMS)


@pytest.mark.parametrize(("script", "others"), [("truth", set()), ("simulation", {"truth"})])
def test_the_truth_takes_nothing_from_the_package_under_test(script, others):
    """Nor from another script that does."""
    imported = {name.split(".")[0] for name in imports_of(SCRIPTS[script])}
    assert "confetti_task" not in imported
    assert imported & set(SCRIPTS) == others
