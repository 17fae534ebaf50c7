"""What makes a virtual phone an Android one: its shell, its adb daemon, its automation server."""
