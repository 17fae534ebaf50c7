from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lab.evidence.matrix import Column, host_of, make_matrix, natural, split_variant, tls_name
from lab.model.verdict import Verdict
from tests.evidence.builders import failed, judged, passed, skipped
from tests.judge import builders


def test_a_variant_is_a_tls_version_and_the_rest() -> None:
    assert split_variant("tls1.2, spki_sha256") == ("tls1.2", "spki_sha256")
    assert split_variant("proxy") == ("", "proxy")
    assert split_variant("") == ("", "")
    assert tls_name("tls1.2") == "TLS 1.2"
    assert tls_name("") == ""


def test_cases_are_sorted_as_a_reader_counts() -> None:
    assert sorted(["C10", "C2", "B4", "C2b", "x"], key=natural) == ["B4", "C2", "C2b", "C10", "x"]


def test_rows_are_grouped_by_adversary_and_columns_by_device_and_version() -> None:
    matrix = make_matrix(
        [
            passed(variant="tls1.3", adversary="rogue_wifi", device="b"),
            passed(variant="tls1.2", adversary="rogue_ca", case="C10"),
            passed(variant="tls1.3", adversary="rogue_ca", case="C2"),
        ]
    )
    assert [group.adversary for group in matrix.groups] == ["rogue_ca", "rogue_wifi"]
    assert [row.case for row in matrix.groups[0].rows] == ["C2", "C10"]
    assert matrix.columns == (
        Column("b", "tls1.3"),
        Column("phone", "tls1.2"),
        Column("phone", "tls1.3"),
    )
    assert matrix.devices == (("b", 1), ("phone", 2))


def test_a_row_without_handshake_fills_its_devices_columns() -> None:
    matrix = make_matrix(
        [passed(variant="tls1.2"), passed(variant="tls1.3"), passed(case="H1", variant="")]
    )
    assert [[c.span for c in row.cells] for row in matrix.groups[0].rows] == [[1, 1], [2]]


def test_one_place_with_two_results_shows_the_worse() -> None:
    (group,) = make_matrix([passed(), failed()]).groups
    (cell,) = group.rows[0].cells
    assert cell.verdict is Verdict.FAIL
    assert len(cell.results) == 2


def test_what_was_not_run_is_an_empty_cell() -> None:
    (group,) = make_matrix([passed(device="a"), passed(device="b", case="B5")]).groups
    assert [c.verdict for c in group.rows[0].cells] == [Verdict.PASS, None]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["rogue_ca", "none", "frida"]),
            st.sampled_from(["A1", "B2"]),
            st.sampled_from(["", "tls1.2", "tls1.3", "tls1.2, x", "x"]),
            st.sampled_from(["p", "q"]),
        )
    )
)
def test_every_result_has_its_place_and_every_row_its_width(
    places: list[tuple[str, str, str, str]],
) -> None:
    results = [
        passed(node=str(i), adversary=a, case=c, variant=v, device=d)
        for i, (a, c, v, d) in enumerate(places)
    ]
    matrix = make_matrix(results)
    rows = [row for group in matrix.groups for row in group.rows]
    shown = {r.node for row in rows for cell in row.cells for r in cell.results}
    assert shown == {r.node for r in results}
    assert all(sum(c.span for c in row.cells) == len(matrix.columns) for row in rows)


def test_the_host_with_the_most_attacks_comes_first() -> None:
    elsewhere = judged(replace(builders.trial(), host="a.test"), case="A1")
    (group,) = make_matrix([elsewhere, passed(case="B4"), passed(case="B5")]).groups
    assert [(host, len(rows)) for host, rows in group.by_host] == [
        ("api.acme.test", 2),
        ("a.test", 1),
    ]


def test_the_host_of_an_attack_that_was_not_carried_out_is_the_catalogues() -> None:
    assert host_of(skipped(slug="expired_leaf")) == "api.acme.test"
    assert host_of(skipped(slug="unregistered_host")) == "www.acme.test"
    assert host_of(skipped(slug="")) == ""
