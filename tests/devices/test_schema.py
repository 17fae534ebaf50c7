from __future__ import annotations

from pathlib import Path

import pytest

from lab.devices.schema import DOCS, MODELS, main, written


@pytest.mark.parametrize("name", MODELS)
def test_the_schema_in_the_documentation_is_that_of_the_models(name: str) -> None:
    text = "run python -m lab.devices.schema"
    assert (DOCS / name).read_text(encoding="utf-8") == written(MODELS[name]), text


def test_they_can_be_written_elsewhere(tmp_path: Path) -> None:
    main([str(tmp_path)])
    assert {file.name for file in tmp_path.iterdir()} == set(MODELS)
    for name, model in MODELS.items():
        assert (tmp_path / name).read_text(encoding="utf-8") == written(model)
