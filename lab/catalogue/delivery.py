"""Chapter C, continued: the configuration on its way (C19).

The service answers with something else, or somebody else answers in its place. An answer that
comes too slowly, or never, is tried in the tests of the reference client (``Fault.SLOW`` and
``Fault.HANG``): a scenario would last as long as the client's patience.
"""

from __future__ import annotations

from lab.catalogue.attackers import COMPROMISED, COMPROMISED_ON_BOTH_ROUTES
from lab.catalogue.ground import Ground
from lab.catalogue.hosts import CONFIGURATION_SERVICE, HOST
from lab.catalogue.make import TLS13_ONLY
from lab.catalogue.registry import entry
from lab.catalogue.sourcing import (
    STALE,
    closed,
    cold,
    genuine,
    no_source,
    refused_source,
    stale,
    trusted_ca,
)
from lab.model.attack import Concern, Control, Need, accept
from lab.model.publication import Fault, Publication
from lab.model.serving import HostPlan, Plain, Relay, Terminate


@cold(
    "Configuration service answers 404, cold start", no_source, Publication(fault=Fault.NOT_FOUND)
)
def service_not_found_cold(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to an app that starts for the first time while the
    configuration service answers 404.

    Correct client: fails closed with ErrorFetchingPinningInfo.

    Why it goes wrong: "no configuration for this project" reads like "nothing is pinned", and a
    project that was deleted by mistake takes the pins of every new user with it.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return trusted_ca(ground)


@cold(
    "Configuration service answers 500, cold start",
    no_source,
    Publication(fault=Fault.SERVER_ERROR),
)
def service_error_cold(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to an app that starts for the first time while the
    configuration service answers 500.

    Correct client: fails closed with ErrorFetchingPinningInfo.

    Why it goes wrong: an error of the owner's own server is held to be no attack, so the app
    goes on without.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return trusted_ca(ground)


@entry(
    "C19",
    "Configuration service answers 500, stale cache, genuine chain",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.CONFIGURATION, Need.CLOCK],
    asks_configuration=True,
    clock_offset=STALE,
    hands_out=Publication(fault=Fault.SERVER_ERROR),
    versions=TLS13_ONLY,
)
def service_error_stale_genuine(ground: Ground) -> Terminate:
    """Served: the genuine chain. The app's configuration is more than ten minutes old, and the
    configuration service answers 500.

    Correct client: goes on with the configuration that it has (founding document: "stale pins
    used if CDN unreachable").

    Why it goes wrong: a client that knows outages only as connections that fail puts the body of
    an error page in its configuration's place, and locks everybody out.

    On the wire: an attempt at the configuration service; the request is read by the responder.
    """
    return genuine(ground)


@cold(
    "Portal's page instead of a configuration, cold start",
    refused_source,
    Publication(fault=Fault.HTML),
    adversaries=COMPROMISED_ON_BOTH_ROUTES,
)
def portal_page_cold(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to an app that starts for the first time. Its configuration
    service answers with status 200 and an HTML page.

    Correct client: fails closed: that is no configuration (SDK 4.0 says so as
    ErrorFetchingPinningInfo, later ones as ConfigurationValidationFailed).

    Why it goes wrong: a parser that finds no domains in it is content with none.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return trusted_ca(ground)


@stale("Portal's page instead of a configuration, stale cache", Publication(fault=Fault.HTML))
def portal_page_stale(ground: Ground) -> Terminate:
    """Served: the pinning case B4. The app's configuration is more than ten minutes old, and its
    configuration service answers with an HTML page.

    Correct client: refuses: by the pins that it has, or because it has none any more.

    Why it goes wrong: what came is put in the cache before anybody has looked at it.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return trusted_ca(ground)


@cold(
    "Configuration cut off in the middle, cold start", refused_source, Publication(fault=Fault.CUT)
)
def configuration_cut_off(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to an app that starts for the first time. The connection to
    its configuration service breaks in the middle of the answer.

    Correct client: fails closed: it has no configuration.

    Why it goes wrong: whoever is on the network can break a connection at a byte of his choice;
    an exception in the midst of reading takes another way out of the code than a status does.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return trusted_ca(ground)


@cold("Half a configuration, cold start", refused_source, Publication(fault=Fault.TRUNCATED))
def configuration_truncated(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to an app that starts for the first time. Its configuration
    service answers with the first half of the configuration, which as an answer is complete.

    Correct client: fails closed: a token without a signature is none.

    Why it goes wrong: a file that was not uploaded in full, and a client that reads what is
    there: the domains that are missing are not pinned.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return trusted_ca(ground)


@cold("Configuration of two megabytes, cold start", closed, Publication(fault=Fault.OVERSIZE))
def configuration_oversize(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to an app that starts for the first time. Its configuration is
    followed by line feeds, two megabytes in all.

    Correct client: refuses the configuration, or the connection because no pin matches: how much
    it reads is not documented (contract section 9.2 item 1).

    Why it goes wrong: a client that gives up on what is too large, and gives up pinning with it.

    On the wire: no application data for the host.
    """
    return trusted_ca(ground)


@cold("Configuration has moved, cold start", closed, Publication(fault=Fault.REDIRECT))
def configuration_moved(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to an app that starts for the first time. Its configuration
    service answers with a redirect to another path of its own, where the configuration is.

    Correct client: follows it or does not, which is not documented (contract section 9.2 item 1),
    and refuses in either case.

    Why it goes wrong: a status that is neither success nor error is handled as neither.

    On the wire: no application data for the host.
    """
    return trusted_ca(ground)


@entry(
    "C19",
    "Configuration has moved to plain http, cold start",
    adversaries=COMPROMISED_ON_BOTH_ROUTES,
    expect=closed,
    concern=Concern.CLEARTEXT,
    needs=[Need.CONFIGURATION],
    fresh_start=True,
    asks_configuration=True,
    hands_out=Publication(fault=Fault.CLEAR_REDIRECT),
    versions=TLS13_ONLY,
)
def configuration_moved_to_http(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4, to an app that starts for the first time. Its configuration
    service answers with a redirect to plain http.

    Correct client: does not ask there: a configuration comes over https and no other way
    (contract section 1.5). It fails closed.

    Why it goes wrong: HTTP clients follow redirects by default, OkHttp also from https to http.
    From there on everybody on the way chooses which of the owner's configurations the app gets.

    On the wire: an attempt at the configuration service; no application data for the host, and no
    request to the service in clear.
    """
    return {
        HOST: HostPlan(trusted_ca(ground)),
        CONFIGURATION_SERVICE: HostPlan(Relay(), cleartext=Plain()),
    }
