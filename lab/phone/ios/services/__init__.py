"""The device services of an iPhone: what lockdownd starts for a computer."""

from __future__ import annotations

from lab.phone.ios.lockdown.handset import Handset
from lab.phone.ios.lockdown.service import Service
from lab.phone.ios.services.afc import FileService
from lab.phone.ios.services.diagnostics import DiagnosticsRelay, ProvisioningProfiles
from lab.phone.ios.services.installation import InstallationProxy
from lab.phone.ios.services.mcinstall import ProfileService
from lab.phone.ios.services.notifications import NotificationProxy, Notifications
from lab.phone.ios.services.pcap import PacketCapture
from lab.phone.ios.services.syslog import SyslogRelay


def make_services(handset: Handset) -> dict[str, Service]:
    """Return all services of a phone, by the names under which lockdownd starts them."""
    notifications = Notifications()
    proxy = NotificationProxy(notifications)
    return {
        "com.apple.afc": FileService(handset),
        "com.apple.misagent": ProvisioningProfiles(),
        "com.apple.mobile.MCInstall": ProfileService(handset),
        "com.apple.mobile.diagnostics_relay": DiagnosticsRelay(handset),
        "com.apple.mobile.insecure_notification_proxy": proxy,
        "com.apple.mobile.installation_proxy": InstallationProxy(handset, notifications),
        "com.apple.mobile.notification_proxy": proxy,
        "com.apple.pcapd": PacketCapture(handset),
        "com.apple.syslog_relay": SyslogRelay(handset),
    }
