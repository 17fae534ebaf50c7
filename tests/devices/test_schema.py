from __future__ import annotations

from pathlib import Path

from lab.devices.schema import FILE, main, written


def test_the_schema_in_the_documentation_is_that_of_the_models() -> None:
    text = "run python -m lab.devices.schema"
    assert FILE.read_text(encoding="utf-8") == written(), text


def test_it_can_be_written_elsewhere(tmp_path: Path) -> None:
    target = tmp_path / "schema.json"
    main([str(target)])
    assert target.read_text(encoding="utf-8") == written()
