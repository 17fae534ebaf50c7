"""Frozen values that every room shares. This package imports nothing else of the lab."""
