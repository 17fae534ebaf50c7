"""usbmuxd: what a computer reaches the iPhones on its cable through."""

from lab.phone.ios.usbmux.daemon import Usbmuxd as Usbmuxd
