"""The attacks: one decorated function each, a chapter a file.

The function is the case: its docstring is the published description, its decorator says who
attacks, what a correct client does and which control proves that the attack has teeth.
"""

from lab.catalogue.catalogue_entry import CatalogueEntry
from lab.catalogue.ground import Ground
from lab.catalogue.registry import entries, entry

__all__ = ["CatalogueEntry", "Ground", "entries", "entry"]
