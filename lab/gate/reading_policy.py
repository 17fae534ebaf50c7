"""A policy file, read and checked. Every mistake in it is a SettingsError with its line."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from lab.devices.complaints import complaints
from lab.devices.document import read_document
from lab.devices.problems import Problem, SettingsError
from lab.gate.policy import PolicyFile

MISSING = "no such file; create it, or name another one (docs/gate.md shows how)"


def read_policy(file: Path) -> PolicyFile:
    """Read ``file``. Raises SettingsError, which names every mistake."""
    if not file.exists():
        raise SettingsError(str(file), [Problem(0, "", MISSING)])
    document = read_document(file)
    if document.content is None and not document.problems:
        text = "the file is empty; add 'rules:' with at least one rule"
        raise SettingsError(str(file), [Problem(1, "", text)])
    problems = list(document.problems)
    content = None
    try:
        content = PolicyFile.model_validate(document.content)
    except ValidationError as error:
        problems += complaints(document, error, PolicyFile)
    if problems or content is None:
        raise SettingsError(str(file), problems)
    return content
