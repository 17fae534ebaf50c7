from __future__ import annotations

from tests.phone.ios.plugged import OpenService


def test_what_the_phone_tells_of_itself(service: OpenService) -> None:
    peer = service("com.apple.mobile.diagnostics_relay")
    for name in ("All", "GasGauge"):
        answer = peer.ask({"Request": name})
        assert answer["Status"] == "Success"
        assert answer["Diagnostics"]["GasGauge"]["BatteryCurrentCapacity"] == 80
    keys = ["ProductType", "None", 7]
    answer = peer.ask({"Request": "MobileGestalt", "MobileGestaltKeys": keys})
    gestalt = {"ProductType": "iPhone15,4", "Status": "Success"}
    assert answer["Diagnostics"] == {"MobileGestalt": gestalt}
    for name in ("Restart", "Shutdown", "Dance", ""):
        assert peer.ask({"Request": name}) == {"Status": "UnknownRequest"}
    assert peer.ask({"Request": "Goodbye"}) == {"Status": "Success"}
    assert peer.was_closed()


def test_there_are_no_provisioning_profiles(service: OpenService) -> None:
    peer = service("com.apple.misagent")
    for kind in ("Copy", "CopyAll"):
        assert peer.ask({"MessageType": kind}) == {"Status": 0, "Payload": []}
    assert peer.ask({"MessageType": "Install", "Profile": b""})["Status"] != 0
