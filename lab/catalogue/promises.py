"""Chapter P: what TrustPin's founding document promises, end to end.

Its five rules of OWASP's testing guide, several domains in one configuration, and its figures.
Other chapters go into each of them; here stands what the promise says, and nothing more.
"""

from __future__ import annotations

from lab.catalogue import hosts
from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Ground
from lab.catalogue.make import TLS13_ONLY, pinned, terminate
from lab.catalogue.registry import entry
from lab.catalogue.sourcing import STALE
from lab.model.attack import Concern, Control, Figure, Need, Trust, accept, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import HostPlan, Terminate


@entry(
    "P1",
    "OWASP 1: backup pins",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.CONFIGURATION],
    beside={hosts.SPKI512: accept()},
    versions=TLS13_ONLY,
)
def owasp_backup_pins(ground: Ground) -> dict[str, HostPlan]:
    """Served: for two hosts their genuine name with the backup key, as on the day after the usual
    key was lost.

    Correct client: accepts both: the backup pin was published beside the usual one.

    Why it goes wrong: "Pin Backup Keys: always configure backup pins". Clients that look at the
    first pin of a host, or at one kind of pin, have no backup, and their users are locked out on
    the one day for which it was meant.

    On the wire: both requests are read by the lab's responder.
    """
    names = (ground.host, hosts.SPKI512)
    return {name: HostPlan(terminate(ground.pki.backup(name))) for name in names}


@entry(
    "P2",
    "OWASP 2: fail securely",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    repeats=3,
    versions=TLS13_ONLY,
)
def owasp_fail_securely(ground: Ground) -> Terminate:
    """Served: the pinning case B4, three times in a row, as a user taps "try again".

    Correct client: refuses each time.

    Why it goes wrong: "Fail Securely: reject connections on pin mismatch". A client that gives in
    after a while ("three failures, pins must be wrong") fails openly, and waiting for that is
    cheap.

    On the wire: no application data at any try.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "P3",
    "OWASP 3: report failures",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=[Need.REPORT],
    probes_reports=True,
    versions=TLS13_ONLY,
)
def owasp_report_failures(ground: Ground) -> Terminate:
    """Served: the pinning case B4; the collector is attacked in the same way.

    Correct client: refuses, and its owner learns of it where the app reports to: a collector, the
    log, or the screen (``report`` in devices.yaml).

    Why it goes wrong: "Report Failures: log pin validation failures". An exception that is caught
    and shown as "no network" leaves no trace anywhere.

    On the wire: no application data for host or collector.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "P4",
    "OWASP 4: remote update",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.CONFIGURATION, Need.CLOCK],
    configuration="old",
    publishes="new",
    clock_offset=STALE,
    asks_configuration=True,
    versions=TLS13_ONLY,
)
def owasp_remote_update(ground: Ground) -> Terminate:
    """Served: a certificate with a key that the app had never heard of when it was set up. Its
    pin was published since, and ten minutes have passed on the device's clock.

    Correct client: asks for its configuration and accepts: no new release of the app is needed.

    Why it goes wrong: "Update Mechanism: support remote pin updates". Pins that are read once, at
    the start or at the installation, make each new key an outage until the last user has updated.

    On the wire: a request to the configuration service, then one that the responder reads.
    """
    return terminate(ground.pki.reserve(ground.host, 1))


@entry(
    "P5",
    "OWASP 5: handle expiry gracefully",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PINS_EXPIRED),
    host=hosts.EXPIRED,
    control=Control.NONE,
    needs=[Need.CONFIGURATION, Need.PIN_EXPIRY],
    beside={hosts.HOST: accept()},
    versions=TLS13_ONLY,
)
def owasp_pin_expiry(ground: Ground) -> dict[str, HostPlan]:
    """Served: the genuine chains of two hosts of one configuration; the pins of the first have
    expired.

    Correct client: refuses the first and says that its pins have expired, which is no attack;
    the second works as ever.

    Why it goes wrong: "Expiration Management: handle pin expiration gracefully". Taken for "no
    pins", expiry opens the host to everybody; taken for a mismatch, it sends the owner after an
    attacker who is not there; taken for a broken configuration, it locks out all hosts.

    On the wire: no application data for the first host; the second is read by the responder.
    """
    pki = ground.pki
    return {name: HostPlan(terminate(pki.genuine(name))) for name in (hosts.EXPIRED, hosts.HOST)}


@entry(
    "P6",
    "Several domains in one configuration",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PIN),
    needs=[Need.CONFIGURATION, Need.LEAF_PINS, Need.SHA512_PINS],
    beside={hosts.LEAF: accept(), hosts.SPKI512: refuse(ErrorKind.PIN), hosts.LEAF512: accept()},
    versions=TLS13_ONLY,
)
def several_domains(ground: Ground) -> dict[str, HostPlan]:
    """Served: four hosts of one configuration, each pinned in another way. The second and the
    fourth show their own chain; the first and the third a certificate in their own name with
    the key of their neighbour, which is pinned, too, but not for them.

    Correct client: accepts two and refuses two: a pin belongs to its domain.

    Why it goes wrong: the pins of all domains end up in one set (``CertificatePinner`` built with
    a wildcard). Whoever has the key of the least of the hosts can then be any of them.

    On the wire: no application data for the first and the third host.
    """
    pki = ground.pki

    def with_key_of(other: str, name: str) -> HostPlan:
        return HostPlan(terminate(pki.intermediate.issue(name, key=pki.genuine(other).key)))

    return {
        ground.host: with_key_of(hosts.SPKI512, ground.host),
        hosts.LEAF: HostPlan(terminate(pki.genuine(hosts.LEAF))),
        hosts.SPKI512: with_key_of(ground.host, hosts.SPKI512),
        hosts.LEAF512: HostPlan(terminate(pki.genuine(hosts.LEAF512))),
    }


def _renewed(ground: Ground) -> Terminate:
    return terminate(pinned(ground))


@entry(
    "P7",
    "Setup about 100 ms, fetch 50 to 200 ms",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.CONFIGURATION, Need.LOG],
    measures=[Figure.SETUP, Figure.FETCH],
    versions=TLS13_ONLY,
)
def setup_in_time(ground: Ground) -> Terminate:
    """Served: a renewed certificate with the pinned key, after the app was installed afresh and
    set up several times.

    Correct client: accepts; works as soon as it is set up. How long setup and fetch took is told
    in the report, as median and spread: setup by the phone's log, the fetch by the wire. Both
    belong to the machine as much as to the app: outside the figures is a finding, never a FAIL.

    Why it goes wrong: a setup on the main thread that waits for the network is felt at each start,
    and the first thing to be taken out again is the pinning.

    On the wire: one request to the configuration service for each start.
    """
    return _renewed(ground)


@entry(
    "P8",
    "Validation 1 to 5 ms",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.CONFIGURATION, Need.LOG, Need.PERMISSIVE],
    configuration="permissive",
    measures=[Figure.VALIDATION],
    versions=TLS13_ONLY,
)
def validation_in_time(ground: Ground) -> Terminate:
    """Served: the pinned key in a new certificate, as many times before, by turns with a host that
    has no pins, which permissive mode lets pass.

    Correct client: accepts all of them. The time from the SDK's first line about a certificate to
    its last is told, and by how much a request with pins took longer than one without; outside
    the figures is a finding.

    Why it goes wrong: certificates are parsed for each pin, or the configuration for each
    connection.

    On the wire: every request is read by the responder.
    """
    return _renewed(ground)


@entry(
    "P9",
    "Cache look-up below 1 ms",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.CONFIGURATION, Need.LOG],
    measures=[Figure.LOOK_UP],
    versions=TLS13_ONLY,
)
def look_up_in_time(ground: Ground) -> Terminate:
    """Served: the genuine chain many times in a row, then a renewed certificate with the same key.

    Correct client: accepts each time, out of what it holds, and looks at the new one. The log
    tells whole milliseconds: 0 or 1 is what "below 1 ms" looks like there.

    Why it goes wrong: the stored configuration is read and verified again for each connection; or
    what is looked up is the certificate of before, and a renewal locks the users out.

    On the wire: no request to the configuration service.
    """
    return _renewed(ground)
