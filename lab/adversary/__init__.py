"""The three adversaries on mitmproxy, and the recorder of what they saw."""
