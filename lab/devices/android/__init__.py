"""Android phones: reached over adb, driven by Appium, put back as they were."""
