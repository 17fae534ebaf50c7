"""Pins from certificates, the signed configuration, and the rules by which pins match."""
