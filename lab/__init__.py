"""TrustPin MITM Lab: proves whether a mobile app's certificate pinning holds."""

__version__ = "0.1.0"
