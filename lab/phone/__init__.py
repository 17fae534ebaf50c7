"""The embedded virtual phones. They stand behind the wire protocols of real ones."""
