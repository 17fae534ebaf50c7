"""Measures the performance budgets. ``make bench``; nothing here is asserted in a test."""
