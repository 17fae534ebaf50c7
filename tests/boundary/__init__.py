"""The whole suite on one phone, driven in different ways: the verdicts must be the same."""
