"""Mutants: whom a pin is for."""

from __future__ import annotations

from urllib.parse import urlsplit

from lab.model.pins import Pin
from lab.mutants.registry import LEAK, LOCKED_OUT, mutant
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.verifier import PinVerifier
from lab.phone.services import DEFAULT_TIMEOUT, Headers, HttpResponse


class _Subdomains(PinVerifier):
    def pins_for(self, host: str) -> tuple[Pin, ...] | None:
        labels = host.split(".")
        parents = (".".join(labels[at:]) for at in range(len(labels)))
        return next((self._pins[name] for name in parents if name in self._pins), None)


@mutant(
    "takes a host's pins for those of everything below it",
    killed_by=[
        "subdomain_with_pinned_key",
        "deeper_subdomain_with_pinned_key",
        "subdomain_permissive",
    ],
    rules=[*LEAK, *LOCKED_OUT],
)
class CoversSubdomains(ReferenceClient):
    """``includeSubdomains``, as HPKP and Android's network security configuration have it.
    TrustPin registers exact hosts (contract TP-10)."""

    verifier_class = _Subdomains


class _EndsWith(PinVerifier):
    def pins_for(self, host: str) -> tuple[Pin, ...] | None:
        return next((pins for name, pins in self._pins.items() if host.endswith(name)), None)


@mutant("looks hosts up by the end of their names", killed_by=["look_alike_with_pinned_key"])
class LooksUpByEnding(ReferenceClient):
    """``host.endsWith(domain)`` without the dot: ``myapi`` is taken for ``api``."""

    verifier_class = _EndsWith


class _SameSite(PinVerifier):
    def pins_for(self, host: str) -> tuple[Pin, ...] | None:
        site = host.split(".")[-2:]
        near = [pins for name, pins in self._pins.items() if name.split(".")[-2:] == site]
        return super().pins_for(host) or tuple(pin for pins in near for pin in pins) or None


@mutant(
    "takes a host's pins for those of its whole domain",
    killed_by=["parent_with_pinned_key", "look_alike_with_pinned_key"],
)
class CoversTheDomain(ReferenceClient):
    """Registers the domain that somebody owns in place of the host that an app talks to."""

    verifier_class = _SameSite


class OnePool(PinVerifier):
    """Has the pins of all registered hosts for each of them."""

    def pins_for(self, host: str) -> tuple[Pin, ...] | None:
        if super().pins_for(host) is None:
            return None
        return tuple(pin for pins in self._pins.values() for pin in pins)


@mutant(
    "takes a pin of any registered host for one of this host",
    killed_by=["key_pinned_for_another_host"],
)
class OnePoolOfPins(ReferenceClient):
    """One list of digests for the app. Whoever runs one of its hosts, a partner or a content
    network, can be all of them."""

    verifier_class = OnePool


class _Written(ReferenceClient):
    """Looks a host up as the URL has it."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        self._authority = urlsplit(url).netloc
        return super().get(url, timeout, headers)

    def written(self, authority: str) -> str:
        """Return what is looked up for this part of a URL."""
        raise NotImplementedError

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        self._judge(self.configuration(), self.written(self._authority), port, chain)


@mutant(
    "compares host names with regard to case",
    killed_by=["upper_case_genuine", "upper_case_attacked"],
    rules=[*LEAK, *LOCKED_OUT],
)
class MindsTheCase(_Written):
    """A map with the URL's text for its key. What is not found is let through in permissive mode,
    and refused in strict mode."""

    def written(self, authority: str) -> str:
        return authority.partition(":")[0].removesuffix(".")


@mutant("takes the final dot for a part of the name", killed_by=["final_dot_attacked"])
class KeepsTheFinalDot(_Written):
    """The same with the absolute form of the name, which the resolver and the certificate check
    understand, but not the map."""

    def written(self, authority: str) -> str:
        return authority.partition(":")[0].lower()


@mutant(
    "takes the port for a part of the name",
    killed_by=["other_port_genuine", "other_port_attacked"],
    rules=[*LEAK, *LOCKED_OUT],
)
class MindsThePort(_Written):
    """``url.authority`` for a key. Pins have no port (contract section 4.4)."""

    def written(self, authority: str) -> str:
        return authority.lower().removesuffix(".")
