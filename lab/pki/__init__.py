"""Authorities, leaf minting and chain surgery. Everything is made fresh for each run."""
