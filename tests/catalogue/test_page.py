from __future__ import annotations

from pathlib import Path

from lab.catalogue import entries
from lab.catalogue.page import FILE, main, page


def test_the_page_in_docs_is_what_the_attacks_say() -> None:
    assert FILE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_every_attack_is_on_the_page() -> None:
    text = page()
    for entry in entries():
        assert f"- **Name**: `{entry.slug}`" in text
        assert entry.served[1:] in text


def test_it_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    main([str(tmp_path / "page.md")])
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page()
