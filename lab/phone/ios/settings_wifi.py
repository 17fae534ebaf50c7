"""Settings > Wi-Fi: networks, and the HTTP proxy of each."""

from __future__ import annotations

from functools import partial

from lab.phone.ios.screen_seam import ProxyKind, Refused, WifiNetwork, WifiProxy
from lab.phone.ios.settings_stack import CANCEL, SettingsStack
from lab.phone.ios.settings_view import NAME, SettingsPage
from lab.phone.node import Look, Node

WIFI = "Wi-Fi"
CONFIGURE_PROXY = "Configure Proxy"


class WifiPages(SettingsStack):
    """Joins and forgets networks, and gives them proxies."""

    def _wifi(self) -> SettingsPage:
        page = SettingsPage(WIFI, back=NAME)
        networks = self._phone_below.wifi.networks()
        for heading, known in (("My Networks", True), ("Other Networks", False)):
            of_kind = [network for network in networks if network.known is known]
            if of_kind:
                page.header(heading)
            for network in of_kind:
                detail = (
                    "Connected" if network.joined else "" if network.in_reach else "Not in Range"
                )
                page.row(
                    network.ssid,
                    partial(self._join, network.ssid),
                    detail,
                    more=self._to(partial(self._network, network.ssid)),
                    chosen=network.joined,
                )
        return page

    def _join(self, ssid: str) -> None:
        self._attempt(lambda: self._phone_below.wifi.join(ssid), self._show)

    def _network(self, ssid: str) -> SettingsPage:
        page = SettingsPage(ssid, back=WIFI)
        wifi = self._phone_below.wifi
        network = next((each for each in wifi.networks() if each.ssid == ssid), WifiNetwork(ssid))
        if network.known and not network.managed:
            page.button("Forget This Network", partial(self._forget, ssid), Look.DANGER)
        if not network.joined and network.in_reach:
            page.button("Join This Network", partial(self._join, ssid))
        if network.known:
            proxy = wifi.proxy(ssid)
            act = None if network.managed else self._to(partial(self._proxy, ssid, proxy))
            page.header("HTTP Proxy")
            page.row(CONFIGURE_PROXY, act, proxy.kind.value)
        if network.managed:
            page.note("A configuration profile manages this network.")
        return page

    def _forget(self, ssid: str) -> None:
        def forget() -> None:
            self._attempt(lambda: self._phone_below.wifi.forget(ssid), self._close)

        self._ask(f'Forget Wi-Fi Network "{ssid}"?', "", (CANCEL, self._show), ("Forget", forget))

    def _proxy(self, ssid: str, proxy: WifiProxy) -> SettingsPage:
        page = SettingsPage(CONFIGURE_PROXY, back=ssid)
        for kind in ProxyKind:
            choose = partial(
                self._choose, ssid, WifiProxy(kind, proxy.server, proxy.port, proxy.url)
            )
            page.row(kind.value, choose, chosen=kind is proxy.kind)
        fields: dict[str, Node] = {}
        if proxy.kind is ProxyKind.MANUAL:
            fields["server"] = page.field("Server", proxy.server)
            fields["port"] = page.field("Port", str(proxy.port or ""))
        elif proxy.kind is ProxyKind.AUTOMATIC:
            fields["url"] = page.field("URL", proxy.url)
        page.done("Save", partial(self._save, ssid, proxy.kind, fields))
        return page

    def _choose(self, ssid: str, proxy: WifiProxy) -> None:
        self._stack[-1] = partial(self._proxy, ssid, proxy)
        self._show()

    def _save(self, ssid: str, kind: ProxyKind, fields: dict[str, Node]) -> None:
        entered = {name: node.text.strip() for name, node in fields.items()}

        def save() -> None:
            port = entered.get("port", "")
            if kind is ProxyKind.MANUAL and not (
                port.isascii() and port.isdigit() and len(port) < 6
            ):
                raise Refused("The port is not a number.")
            proxy = WifiProxy(
                kind, entered.get("server", ""), int(port or 0), entered.get("url", "")
            )
            self._phone_below.wifi.set_proxy(ssid, proxy)
            self._phone.log(NAME, "INFO", f"proxy of {ssid}: {kind}")

        self._attempt(save, self._close)
