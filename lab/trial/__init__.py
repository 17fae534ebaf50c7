"""Conducting a trial: benign request, attack, control, benign request, reports, verdict."""
