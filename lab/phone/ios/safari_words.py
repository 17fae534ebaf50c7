"""What the iPhone's Safari says, in Safari's words: pages, and what went wrong with them.

Texts are those of iOS in English. Where Safari has no words of its own for an error it names the
domain and the code; here it always does, so that nothing has to be guessed.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.phone.activity import described
from lab.phone.browser_words import EXCERPT, host_of
from lab.phone.ios.url_errors import url_error
from lab.phone.node import one_line
from lab.phone.services import (
    HttpResponse,
    PlatformError,
    SslHandshakeError,
    SslPeerUnverifiedError,
)

NOT_PRIVATE = "This Connection Is Not Private"
NOT_PRIVATE_TEXT = (
    'This website may be impersonating "{}" to steal your personal or financial information. You '
    "should go back to the previous page."
)
DETAILS_TEXT = (
    "Safari warns you when a website has a certificate that may not be trusted. This may happen if "
    "the website is misconfigured or an attacker has compromised your connection. If you "
    "understand the risks involved, you can visit this website."
)
GO_BACK = "Go Back"
SHOW_DETAILS = "Show Details"
VISIT = "visit this website"
VISIT_TITLE = "Are you sure you want to visit this website on a compromised connection?"
VISIT_SURE = "Visit Website"
CANCEL = "Cancel"

CANNOT_OPEN = "Safari Can't Open the Page"
CANNOT_OPEN_TEXT = 'Safari can\'t open the page "{}". The error is: "{}" ({}:{})'

PROFILE_TYPE = "application/x-apple-aspen-config"
"""Media type of a configuration profile."""
PROFILE_ASKS = (
    "This website is trying to download a configuration profile. Do you want to allow this?"
)
IGNORE, ALLOW, CLOSE = "Ignore", "Allow", "Close"
PROFILE_HERE = "Profile Downloaded"
PROFILE_HERE_TEXT = "Review the profile in Settings app if you want to install it."
PROFILE_BAD = "Download Failed"


@dataclass(frozen=True, slots=True)
class SafariPage:
    """What Safari shows below its address bar."""

    title: str = ""
    heading: str = ""
    """What went wrong."""
    text: str = ""
    proceed: str = ""
    """URL that the user may request in spite of a certificate error; empty for none."""
    profile: bytes | None = None
    """A configuration profile that the server sent instead of a page."""


BLANK = SafariPage()


def page_of(response: HttpResponse, url: str) -> SafariPage:
    """Return the page that shows an answer: how it begins. Its status is not to be seen."""
    kind = (response.header("content-type") or "").partition(";")[0].strip().lower()
    if kind == PROFILE_TYPE and 200 <= response.status <= 299:
        return SafariPage(host_of(url), profile=response.body)
    # No character of UTF-8 takes more than four bytes.
    text = one_line(response.body[: 4 * EXCERPT].decode("utf-8", "replace"), EXCERPT)
    return SafariPage(one_line(url.partition("://")[2]), text=text)


def error_page(error: BaseException, url: str) -> SafariPage:
    """Return the page that shows an error. One about the certificate can be overruled."""
    host = host_of(url)
    if isinstance(error, SslHandshakeError | SslPeerUnverifiedError):
        return SafariPage(host, NOT_PRIVATE, NOT_PRIVATE_TEXT.format(host), proceed=url)
    if not isinstance(error, PlatformError):
        return _cannot_open(url, described(error), "LabErrorDomain", -1)
    told = url_error(error, host)
    domain = "NSURLErrorDomain" if told.code < 0 else "kCFErrorDomainCFNetwork"
    return _cannot_open(url, told.text, domain, told.code)


def too_many(url: str) -> SafariPage:
    """Return the page that says that too much is under way."""
    return _cannot_open(url, "Too many pages are being loaded", "LabErrorDomain", -1)


def _cannot_open(url: str, text: str, domain: str, code: int) -> SafariPage:
    shown = CANNOT_OPEN_TEXT.format(one_line(url, EXCERPT), one_line(text, EXCERPT), domain, code)
    return SafariPage(host_of(url), CANNOT_OPEN, shown)
