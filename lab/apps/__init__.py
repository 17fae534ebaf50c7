"""Page objects: how the lab works an app's screen, the way that a user would."""
