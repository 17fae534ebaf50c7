"""How pages are made of templates: alike for a run's and a self-test's."""

from __future__ import annotations

from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lab.evidence.text import visible


def environment(*packages: str) -> Environment:
    """Return what renders the templates of ``packages``, those of the first before the others'."""
    return Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )


def source(environment: Environment, name: str) -> str:
    """Return a template as it is in its file."""
    loader = environment.loader
    assert loader is not None
    return loader.get_source(environment, name)[0]


def _shown(value: Any) -> Any:
    """Make every text that a template puts out visible; what is markup already stays as it is."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
