from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import lab.mutants
from lab.catalogue import entries
from lab.judge.engine import CONDUCT, LEAKS, PRECONDITIONS
from lab.model.attack import Subject
from lab.model.verdict import Verdict
from lab.mutants.registry import CHAPTERS, mutant, mutants
from lab.phone.sdk.client import ReferenceClient

ALL = mutants()
ATTACKS = {entry.slug: entry for entry in entries()}
RULES = {rule.__name__ for rule in (*LEAKS, *PRECONDITIONS, *CONDUCT)}
ROOM = Path(lab.mutants.__file__).parent


def test_what_kills_them_is_in_the_catalogue() -> None:
    unknown = [(m.name, slug) for m in ALL for slug in m.killed_by if slug not in ATTACKS]
    twice = [m.name for m in ALL if len(set(m.killed_by)) != len(m.killed_by)]
    assert (unknown, twice) == ([], [])


def test_they_stand_in_the_apps_place() -> None:
    """A case about another client shows nothing about them."""
    others = [s for m in ALL for s in m.killed_by if ATTACKS[s].subject is not Subject.APP]
    assert others == []


def test_what_they_die_of_is_a_rule_of_the_judge() -> None:
    assert [(m.name, rule) for m in ALL for rule in m.rules if rule not in RULES] == []
    assert [m.name for m in ALL if m.outcome is Verdict.PASS] == []


def test_devices_yaml_can_name_them() -> None:
    for one in ALL:
        module, _, name = one.path.partition(":")
        assert getattr(import_module(module), name) is one.client
        assert issubclass(one.client, ReferenceClient)
        assert one.client is not ReferenceClient


def test_they_tell_what_is_wrong_and_what_comes_of_it() -> None:
    assert [m.name for m in ALL if m.client.__doc__ == ReferenceClient.__doc__] == []
    assert [m.name for m in ALL if len(m.explanation.split()) < 3] == []
    assert [m.name for m in ALL if not m.flaw or m.flaw.endswith(".")] == []


def test_no_two_are_wrong_in_the_same_words() -> None:
    flaws = [one.flaw for one in ALL]
    assert sorted(flaws) == sorted(set(flaws))


def test_every_module_with_mutants_is_a_chapter() -> None:
    found = {path.stem for path in ROOM.glob("*.py") if "\n@mutant(" in path.read_text("utf-8")}
    assert found <= set(CHAPTERS)


def test_chapters_are_modules() -> None:
    assert all((ROOM / f"{chapter}.py").is_file() for chapter in CHAPTERS)


def test_mutants_come_in_the_order_of_their_chapters() -> None:
    chapters = [one.client.__module__.rpartition(".")[2] for one in ALL]
    assert sorted(chapters, key=CHAPTERS.index) == chapters


def test_two_of_one_name_are_refused() -> None:
    taken = type(mutants()[0].name, (ReferenceClient,), {"__doc__": "Says something."})
    with pytest.raises(ValueError, match="two mutants are called"):
        mutant("wrong", killed_by=["untrusted_ca"])(taken)


@pytest.mark.parametrize(
    ("killed_by", "rules", "text", "why"),
    [
        ([], ["to_the_host"], "Says something.", "nothing is said to kill it"),
        (["untrusted_ca"], [], "Says something.", "nothing is said to kill it"),
        (["untrusted_ca"], ["to_the_host"], None, "its docstring is missing"),
    ],
)
def test_one_of_which_too_little_is_said_is_refused(
    killed_by: list[str], rules: list[str], text: str | None, why: str
) -> None:
    before = mutants()
    unknown = type("NobodyKnowsIt", (ReferenceClient,), {"__doc__": text})
    with pytest.raises(ValueError, match=why):
        mutant("wrong", killed_by=killed_by, rules=rules)(unknown)
    assert mutants() == before
