from __future__ import annotations

from lab.catalogue.left_out import LEFT_OUT
from lab.catalogue.registry import entries
from lab.evidence.untried import untried
from tests.evidence.builders import passed, skipped


def test_what_one_reason_explains_is_told_once_a_device() -> None:
    results = [
        skipped("No clock.", slug="expired_leaf", case="E1", title="Expired leaf"),
        skipped("No clock.", slug="not_yet_valid", case="E2", title="Not yet valid", variant=""),
        skipped("No clock.", device="other"),
        skipped("No root."),
    ]
    found = untried(results).impossible
    assert [(some.device, some.why, len(some.results)) for some in found] == [
        ("other", "No clock.", 1),
        ("phone", "No clock.", 2),
        ("phone", "No root.", 1),
    ]
    assert found[1].attacks == ("E1 Expired leaf (TLS 1.3)", "E2 Not yet valid")


def test_what_was_not_selected_is_the_rest_of_the_catalogue() -> None:
    all_of_it = {entry.slug for entry in entries()}
    assert untried([]).deselected_count == len(all_of_it)
    tried = [passed(slug=slug) for slug in sorted(all_of_it - {"expired_leaf"})]
    assert untried(tried).deselected == (("E1", ("Expired leaf",)),)
    assert untried([*tried, skipped(slug="expired_leaf")]).deselected == ()


def test_what_the_catalogue_leaves_out_is_said_with_its_reasons() -> None:
    assert untried([]).left_out == LEFT_OUT
