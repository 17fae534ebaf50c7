"""Devices under test: devices.yaml and what makes a device of each of its entries."""
