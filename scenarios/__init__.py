"""The scenarios: what ``pytest -m mitm`` runs."""
