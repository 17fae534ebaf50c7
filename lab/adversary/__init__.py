"""The three adversaries on mitmproxy, and the recorder of what they saw."""

import lab.asyncore_quietly  # noqa: F401
