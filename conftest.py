"""Makes the lab's pytest plugin known here, without an installation step."""

pytest_plugins = ["lab.pytest_plugin"]
