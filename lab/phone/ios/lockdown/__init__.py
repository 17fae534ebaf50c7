"""lockdownd and the device services: what a computer that is paired with an iPhone asks of it."""

from lab.phone.ios.lockdown.daemon import Lockdownd as Lockdownd
from lab.phone.ios.lockdown.session import Consent as Consent
