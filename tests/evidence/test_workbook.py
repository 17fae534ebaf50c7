"""The spreadsheet, opened by calamine and by openpyxl."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import openpyxl
from hypothesis import given, settings
from python_calamine import CalamineWorkbook

from lab.evidence import workbook
from lab.evidence.mapping import mas_data
from lab.evidence.plain import plain_line
from lab.evidence.run import RunReport
from lab.evidence.text import clipped
from tests.evidence.builders import failed, info, passed, skipped
from tests.evidence.hostile import alone, beside, reports

FORMULA = "=cmd|' /C calc'!A0"
REPORT = RunReport(
    info(),
    (
        passed(slug="device_trusted_ca"),
        failed(slug="device_trusted_ca", variant="tls1.2"),
        skipped(FORMULA, device=FORMULA),
    ),
)


def sheets(content: bytes) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def rows(sheet: list[list[Any]], header: int) -> list[dict[str, Any]]:
    names, *rest = sheet[header - 1 :]
    return [dict(zip(names, row, strict=True)) for row in rest]


def test_it_is_laid_out_like_owasps() -> None:
    shown = sheets(workbook.render(REPORT, beside()))
    assert list(shown) == ["MAS Checklist", "Scenarios", "About"]
    first = shown["MAS Checklist"]
    versions = mas_data()["versions"]
    assert first[4][0] == f"MASTG version (commit): {versions['mastg']}"
    assert first[5][0] == f"MASVS version: {versions['masvs']}"
    assert first[6][:4] == ["MASVS-ID", "Platform", "MASTG test", "Description"]
    (line,) = (
        row
        for row in rows(first, 7)
        if (row["MASTG test"], row["Device"]) == ("MASTG-TEST-0244", "phone")
    )
    assert (line["MASVS-ID"], line["Status"], line["L1"], line["L2"]) == (
        "MASVS-NETWORK-2", "Fail", "", "x",
    )  # fmt: skip
    assert "records/0002-B4-phone.json" in line["Comment"]


def test_every_scenario_has_a_line() -> None:
    shown = rows(sheets(workbook.render(REPORT, beside()))["Scenarios"], 1)
    assert [(row["No."], row["Verdict"]) for row in shown] == [
        (1, "PASS"), (2, "FAIL"), (3, "NOT_APPLICABLE"),
    ]  # fmt: skip
    assert shown[1]["Why"] == "The adversary read 42 bytes inside its TLS: GET / HTTP/1.1."
    assert shown[1]["MASWE"] == "MASWE-0028 insecure-pinning (until 2026: MASWE-0047)"
    assert (shown[1]["Variant"], shown[1]["Seconds"]) == ("tls1.2", 0.25)
    assert shown[2]["Why"] == shown[2]["Device"] == FORMULA


def test_it_says_what_it_rests_on() -> None:
    about = sheets(workbook.render(REPORT, beside(lab_commit="c0ffee")))["About"]
    said = {key: text for key, text, *_ in about}
    assert said["Verdict"] == "FAIL"
    assert said["Commit of the lab"] == "c0ffee"
    assert said["Started"] == "1970-01-01T00:16:40.000Z"
    assert "certified" in " ".join(text for _, text, *_ in about)


def test_ids_come_from_the_data_alone() -> None:
    data = mas_data()
    known = {*data["tests"], *data["controls"]}
    known |= {w[key] for w in data["maswe"].values() for key in ("id", "beta_id")}
    said = str(sheets(workbook.render(REPORT, alone)))
    assert set(re.findall(r"\bMAS(?:TG-TEST|VS-[A-Z]+|WE)-\d+", said)) <= known


def test_no_text_is_a_formula() -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook.render(REPORT, alone)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]
    risky = [cell for cell in cells if cell.value == FORMULA]
    assert risky
    assert all(cell.quotePrefix for cell in risky), "nor once a hand was at it"


def test_no_time_but_the_runs_is_in_it() -> None:
    content = workbook.render(REPORT, alone)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {workbook.EARLIEST}
        assert archive.namelist() == sorted(archive.namelist())
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        core = archive.read("docProps/core.xml").decode()
    assert set(re.findall(r"\d{4}-\d\d-\d\dT[\d:]+", core)) == {"1970-01-01T00:16:40"}


@settings(max_examples=8, deadline=None)
@given(reports())
def test_whatever_devices_say_it_opens_with_these_words(report: RunReport) -> None:
    content = workbook.render(report, beside())
    shown = rows(sheets(content)["Scenarios"], 1) if report.results else []
    assert [row["Verdict"] for row in shown] == [r.verdict.value for r in report.results]
    for row, result in zip(shown, report.results, strict=True):
        title = str(row["Title"]).replace("\n", " ").replace("\t", " ").strip()
        assert title == plain_line(clipped(result.title, workbook.LONGEST_CELL), 10**6)
    assert b"<f>" not in content
