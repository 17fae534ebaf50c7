"""The verdict engine: a pure function of the witness records. No clock, no socket, no device."""

from lab.judge.engine import judge

__all__ = ["judge"]
