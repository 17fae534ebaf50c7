"""The rogue Wi-Fi with a radio: an access point on a named interface of this machine."""
