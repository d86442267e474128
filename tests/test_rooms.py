"""The rooms of the package and of the scripts, and which may import which. Simulations import none of the package."""

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
# Rooms of the scripts. Simulations know nothing of the package, so that the truth cannot err as the tasks do.
SCRIPT_ROOMS = {
    "simulate": {"simulate"},
    "evaluation": {"simulate", "evaluation"},
    "benchmarks": {"simulate", "benchmarks"},
}
SCRIPTS = {f"{room}/{path.name}": path for room in SCRIPT_ROOMS for path in (TOP / "scripts" / room).glob("*.py")}


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


@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_a_script_imports_only_from_its_room_and_from_the_simulations(script):
    imported = {name.split(".")[1] for name in imports_of(SCRIPTS[script]) if name.startswith("scripts.")}
    assert imported <= SCRIPT_ROOMS[script.split("/")[0]]


@pytest.mark.parametrize("script", sorted(script for script in SCRIPTS if script.startswith("simulate/")))
def test_the_truth_takes_nothing_from_the_package_under_test(script):
    """Nor does anything that simulates: all of it imports only its own room, as another test demands."""
    assert "confetti_task" not in {name.split(".")[0] for name in imports_of(SCRIPTS[script])}


def test_every_script_is_in_a_room():
    """Except what generates modules and pages."""
    generators = {"__init__.py", "generate_tasks.py", "docs_hooks.py"}
    assert {path.name for path in (TOP / "scripts").glob("*.py")} == generators
    assert {room.name for room in (TOP / "scripts").iterdir() if list(room.glob("*.py"))} == set(SCRIPT_ROOMS)
