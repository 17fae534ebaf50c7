"""Marked secrets that an app is given, and whether they turn up where they must not."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from lab.backend.collector import Delivery
from lab.backend.secrets import Secret
from lab.model.serving import HttpAnswer
from lab.model.trial import Fact, Trial


class MarkedSecrets:
    """A path, a query and a cookie that say nothing and can be found again."""

    def __init__(self) -> None:
        def marked(name: str) -> Secret:
            return Secret(name, f"canary{secrets.token_hex(8)}")

        self._path = marked("the URL's path")
        self._query = marked("the URL's query")
        self._cookie = marked("the session cookie")
        self._body = marked("the answer's body")

    @property
    def all(self) -> tuple[Secret, ...]:
        return self._path, self._query, self._cookie, self._body

    @property
    def path(self) -> str:
        """What the app asks for."""
        return f"/accounts/{self._path.text}?token={self._query.text}"

    @property
    def answer(self) -> HttpAnswer:
        """What benign requests are answered."""
        usual = HttpAnswer()
        cookie = ("set-cookie", f"session={self._cookie.text}; Secure; HttpOnly")
        body = b'{"status":"ok","account":"%s"}' % self._body.text.encode()
        return HttpAnswer(headers=(*usual.headers, cookie), body=body)

    def fact(self, trial: Trial, deliveries: Iterable[Delivery]) -> Fact:
        """Tell whether one of them was in a report, or open to the network under attack."""
        places = {name: "a failure report" for d in deliveries for name in d.found}
        open_to_all = _open_to_all(trial).encode()
        places |= {s.name: "what the network saw" for s in self.all if s.is_in(open_to_all)}
        if places:
            told = "; ".join(f"{name} in {place}" for name, place in sorted(places.items()))
            return Fact("secrets", False, f"The app gave away {told}.")
        listed = ", ".join(secret.name for secret in self.all)
        return Fact("secrets", True, f"In no report, nor on the wire: {listed}.")


def _open_to_all(trial: Trial) -> str:
    """Return what the network could read of the attack: names, and what went out in clear or into
    the adversary's TLS."""
    phases = (trial.attack, trial.recovery)
    names = [f"{c.sni} {c.host}" for phase in phases for c in phase.connections]
    names += [question.name for phase in phases for question in phase.lookups]
    names += [c.request or "" for c in trial.attack.connections]
    return "\n".join(names)
