"""iPhones: reached over usbmuxd, driven over Appium's XCUITest driver or WebDriverAgent itself."""
