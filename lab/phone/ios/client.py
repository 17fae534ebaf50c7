"""The reference client as an iPhone's app has it: the same SDK on iOS's TLS and trust rules.

The sample app is exempt from App Transport Security (contract section 6.2:
``NSAllowsArbitraryLoads``); ``Ats…`` are what it would be without the exemption.
"""

from __future__ import annotations

from lab.model.outcome import ErrorKind
from lab.model.profile import SDK_4_0, SDK_4_1
from lab.phone.ios.trust_rules import ATS, IOS
from lab.phone.link import Link
from lab.phone.path_rules import PlatformRules
from lab.phone.sdk.client import ReferenceClient
from lab.phone.services import DEFAULT_TIMEOUT, Headers, HttpResponse, PlatformError
from lab.phone.tls import Secured, open_tls
from lab.phone.verify import Judge

USER_AGENT = "TrustPin-iOS-Sample/1.0"

ATS_SUITES = (
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256:"
    "ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES128-SHA"
)
"""The suites that ATS takes for TLS 1.2 (Apple, "Preventing Insecure Network Connections")."""


class CleartextRefused(PlatformError):
    """App Transport Security lets no request go out in clear: NSURLErrorDomain -1022."""

    kind = ErrorKind.NETWORK

    def __init__(self) -> None:
        super().__init__(
            "The resource could not be loaded because the App Transport Security policy requires "
            "the use of a secure connection."
        )


class IosReferenceClient(ReferenceClient):
    """As SDK 6 is documented to be, on iOS."""

    platform_rules: PlatformRules = IOS
    user_agent = USER_AGENT


class IosReferenceClient41(IosReferenceClient):
    """As SDK 4.1 is documented to be, on iOS."""

    profile = SDK_4_1


class IosReferenceClient40(IosReferenceClient):
    """As SDK 4.0 is documented to be, on iOS."""

    profile = SDK_4_0


class AtsReferenceClient(IosReferenceClient):
    """In an app without the exemption from App Transport Security."""

    platform_rules: PlatformRules = ATS

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        """Request ``url``. Raises CleartextRefused for one without TLS."""
        if not url.lower().startswith("https:"):
            raise CleartextRefused
        return super().get(url, timeout, headers)

    def open_tls(self, link: Link, host: str, judge: Judge) -> Secured:
        return open_tls(link, host, judge, ATS_SUITES)
