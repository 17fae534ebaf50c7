"""What automation endpoints have in common: HTTP, WebDriver's rules, sessions, elements, fingers.

A dialect (Android's UiAutomator2, iOS's WebDriverAgent) adds its routes, its locators and what it
calls an element's attributes.
"""
