"""Clients that are wrong in one known way each: what the catalogue must catch."""

import lab.asyncore_quietly  # noqa: F401
from lab.mutants.registry import Mutant, mutant, mutants

__all__ = ["Mutant", "mutant", "mutants"]
