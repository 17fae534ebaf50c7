"""The verdict engine: a pure function of the witness records. No clock, no socket, no device."""

from lab.judge.engine import judge, verdict_of

__all__ = ["judge", "verdict_of"]
