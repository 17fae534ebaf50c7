"""Routes: how a device's packets come into the adversary's hands."""
