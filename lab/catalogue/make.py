"""Small words that attacks are written in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Attack, Ground
from lab.catalogue.hosts import HOST
from lab.catalogue.registry import entry
from lab.model.attack import Concern, Control, Need, Trust, accept, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import HttpAnswer, Terminate
from lab.model.wire import TlsVersion
from lab.pki.authority import Authority, Leaf
from lab.pki.credential import Credential

JSON = HttpAnswer()
TLS13_ONLY = (TlsVersion.TLS13,)
"""What a certificate says is read alike under both versions, the pins that are held decide under
both, and a report is the same after both: one is enough for most variants."""
TO_COLLECTOR = (Need.REPORT, Need.COLLECTOR)
"""What an app must have for its reports to be attacked, or its collector to have a bad day."""


def terminate(credential: Credential, answer: HttpAnswer = JSON) -> Terminate:
    """Take TLS off with the chain and key of ``credential``."""
    return Terminate(chain=credential.chain_der, key=credential.key_der, answer=answer)


def pinned(
    ground: Ground, leaf: Leaf | str | None = None, below: Authority | None = None
) -> Credential:
    """Issue a certificate for the key that the host's pins vouch for: what is wrong with it or
    with its issuer is the only thing wrong. Without a ``leaf`` it is an ordinary one; ``below`` is
    its issuer, else the genuine one."""
    issuer = below or ground.pki.intermediate
    return issuer.issue(leaf or ground.host, key=ground.pki.genuine(ground.host).key)


def defect(
    id: str,
    title: str,
    *kinds: ErrorKind,
    host: str = HOST,
    trust: Trust = Trust.NONE,
    needs: Sequence[Need] = (),
    versions: Sequence[TlsVersion] = TLS13_ONLY,
) -> Callable[[Attack], Attack]:
    """Register a certificate that the platform must refuse for one of ``kinds``, pins or not."""
    return entry(
        id,
        title,
        adversaries=COMPROMISED,
        trust=trust,
        expect=refuse(*kinds),
        control=Control.CARELESS,
        concern=Concern.VALIDATION,
        host=host,
        needs=needs,
        versions=versions,
    )


def oddity(
    id: str,
    title: str,
    *,
    host: str = HOST,
    trust: Trust = Trust.NONE,
    anchor: str | None = None,
    needs: Sequence[Need] = (),
    versions: Sequence[TlsVersion] = TLS13_ONLY,
) -> Callable[[Attack], Attack]:
    """Register a certificate that is right, though it looks odd: refusing it locks users out."""
    return entry(
        id,
        title,
        adversaries=COMPROMISED,
        trust=trust,
        anchor=anchor,
        expect=accept(),
        control=Control.NONE,
        concern=Concern.AVAILABILITY,
        host=host,
        needs=needs,
        versions=versions,
    )
