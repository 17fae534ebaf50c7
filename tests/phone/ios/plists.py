"""Property lists, made up by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

# Control characters are none in XML, and a carriage return becomes a newline in it.
TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=20
)
_SINGLE = (
    st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | TEXTS
    | st.binary(max_size=40)
)


def plists() -> st.SearchStrategy[dict[str, object]]:
    """Dictionaries that are property lists."""
    values = st.recursive(
        _SINGLE,
        lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXTS, below, max_size=4),
        max_leaves=12,
    )
    return st.dictionaries(TEXTS, values, max_size=5)
