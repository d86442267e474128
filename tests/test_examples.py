"""The examples are Python that stands as it is; test_mending.py images with that of ALMA-IMF."""

import ast
import inspect

import pytest
from conftest import TOP

import confetti_task

EXAMPLES = sorted((TOP / "examples").glob("*.py"))


def test_there_are_examples():
    assert {path.stem for path in EXAMPLES} >= {"alma_imf", "slurm"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_compiles_and_calls_the_tasks_with_parameters_that_they_have(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    compile(tree, str(path), "exec")
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    calls = [call for call in calls if call.func.id in confetti_task.__all__]
    assert calls
    for call in calls:
        parameters = inspect.signature(getattr(confetti_task, call.func.id)).parameters
        assert {keyword.arg for keyword in call.keywords} <= set(parameters)
