"""A stand-in that cannot even be imported."""

raise RuntimeError("two\nlines")
