"""A virtual iPhone, behind the protocols of a real one: usbmuxd, lockdownd, WebDriverAgent."""
