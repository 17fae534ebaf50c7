from __future__ import annotations

import pytest

from lab.phone.ios.services.notifications import LATE, Notifications
from tests.patience import eventually
from tests.phone.ios.cable import Cable
from tests.phone.ios.plugged import OpenService

PROXY = "com.apple.mobile.notification_proxy"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_who_is_told_of_what() -> None:
    clock, heard = Clock(), list[str]()
    notifications = Notifications(clock)
    notifications.observe("a", heard.append)
    notifications.post("b")
    notifications.post("a")
    assert heard == ["a"]
    notifications.forget(heard.append)
    notifications.post("a")
    assert heard == ["a"]


@pytest.mark.parametrize(("later", "told"), [(0.0, True), (LATE, True), (LATE + 0.1, False)])
def test_those_who_come_late(later: float, told: bool) -> None:
    clock, heard = Clock(), list[str]()
    notifications = Notifications(clock)
    notifications.post("a")
    clock.now += later
    notifications.observe("b", heard.append)
    notifications.observe("a", heard.append)
    assert heard == (["a"] if told else [])


def test_what_was_posted_is_forgotten() -> None:
    notifications = Notifications()
    for number in range(1000):
        notifications.post(str(number))
    assert len(notifications._posted) < 200


def test_a_computer_posts(service: OpenService) -> None:
    one, another = service(PROXY), service(PROXY)
    one.send({"Command": "ObserveNotification", "Name": "com.acme.x"})
    another.send({"Command": "PostNotification", "Name": "com.acme.x"})
    assert one.message() == {"Command": "RelayNotification", "Name": "com.acme.x"}


def test_it_is_limited(service: OpenService, cable: Cable) -> None:
    peer = service(PROXY)
    for number in range(101):
        peer.send({"Command": "ObserveNotification", "Name": f"n{number}"})
    assert peer.was_closed()
    assert eventually(lambda: "more than 100 notifications" in cable.handset.said())
    other = service(PROXY)
    other.send({"Command": "ObserveNotification", "Name": "a" * 501})
    assert other.was_closed()
