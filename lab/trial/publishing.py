"""What a run's configuration service hands out: the owner's, or what an attacker would have."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec

from lab.backend.configuration import Configuration
from lab.catalogue import hosts
from lab.catalogue.make import terminate
from lab.model.pins import PinConfiguration, PinKind
from lab.model.publication import RIGHT, Carrier, Publication, Token
from lab.model.serving import HostPlan, HttpAnswer
from lab.pinning.jws import claims_of, sign_claims
from lab.pinning.tokens import Workshop
from lab.pki.hierarchy import LabPki

KEY_URL = f"https://{hosts.EVIL}/keys.json"
"""Where the attacker publishes the key that it signs configurations with."""


class Publisher:
    """Signs configurations, one version after the other, and hands them out.

    The attacker signs with the key of the host that belongs to it: it has a certificate for that.
    """

    def __init__(
        self, service: Configuration, pki: LabPki, signing_key: ec.EllipticCurvePrivateKey
    ) -> None:
        self._service = service
        self._pki = pki
        self._owner = signing_key
        self._attacker = pki.genuine(hosts.EVIL)
        # There is always an earlier version.
        self._version = 1
        self._published: Workshop | None = None

    def publish(self, configuration: PinConfiguration, clock_offset: float = 0.0) -> None:
        """Sign ``configuration`` as the next version and let the service serve it.

        ``clock_offset`` says by how many seconds the device's clock is ahead of true time: where
        that is behind, this is signed at the device's time, or it would not be valid there yet.
        """
        self._version += 1
        at = int(datetime.now(UTC).timestamp() + min(0.0, clock_offset))
        claims = claims_of(replace(configuration, version=self._version), issued_at=at)
        former = hosts.configuration("former", self._pki, datetime.now(UTC))
        assert isinstance(self._attacker.key, ec.EllipticCurvePrivateKey)
        self._published = Workshop(
            right=sign_claims(claims, self._owner),
            claims=claims,
            former=claims_of(former, issued_at=at),
            owner=self._owner,
            attacker=self._attacker.key,
            certificate=self._attacker.certificate,
            host=hosts.HOST,
            key_url=KEY_URL,
        )
        self.hand_out(RIGHT)

    def hand_out(self, publication: Publication) -> None:
        """Let the service serve what was published last, or what an attacker would have it serve
        in place of that. What another carrier answers with is not the service's affair."""
        own = publication.carrier is Carrier.SERVICE
        self._service.fault = publication.fault
        self._service.publish(self.token(publication.token if own else Token.RIGHT))

    def token(self, token: Token) -> bytes:
        """Return the token of this kind that belongs to what was published last."""
        assert self._published is not None, "nothing has been published"
        return self._published.make(token)

    def pins(self, token: Token, host: str) -> tuple[str, ...]:
        """Return what the owner published for ``host``, mistakes and all, as a failure report
        quotes it."""
        assert self._published is not None, "nothing has been published"
        domains = self._published.mistaken(token)["domains"]
        pins = [pin for d in domains if d["domain"] == host for pin in d["pins"]]
        return tuple(f"{kind}={pin[kind]}" for pin in pins for kind in PinKind if kind in pin)

    def carried(self, publication: Publication) -> HostPlan | None:
        """Return what happens to connections to the service where somebody else answers them;
        None where the network leaves them alone."""
        service = hosts.CONFIGURATION_SERVICE
        if publication.carrier is Carrier.SERVICE:
            return None
        credential = {
            Carrier.RENEWED: self._pki.intermediate,
            Carrier.ROGUE_CA: self._pki.rogue,
            Carrier.COMPROMISED_CA: self._pki.compromised,
        }[publication.carrier].issue(service)
        body = self.token(publication.token)
        answer = HttpAnswer(headers=(("content-type", "text/plain"),), body=body)
        return HostPlan(terminate(credential, answer))
