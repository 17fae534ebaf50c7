"""The self-test: every mutant dies, every attack kills, the reference client survives."""
