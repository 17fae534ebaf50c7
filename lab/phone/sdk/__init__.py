"""The reference client: a clean-room pinning SDK, written from public documents only."""
