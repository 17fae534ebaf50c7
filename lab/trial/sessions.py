"""What the adversary's records say of TLS sessions that outlive a connection."""

from __future__ import annotations

from lab.judge.reading import own
from lab.model.serving import Serving, Terminate
from lab.model.trial import Fact, Phase


def session_facts(phase: Phase, serving: Serving) -> tuple[Fact, ...]:
    """Tell what the client did with tickets of the adversary's, where ``serving`` issues any.

    To resume a session is not wrong by itself: the client may judge it once more. Early data is,
    as it goes out before the server is looked at (RFC 8446 section 2.3).
    """
    if not isinstance(serving, Terminate) or not serving.tickets:
        return ()
    seen = own(phase, phase.host)
    facts = []
    if any(c.resumed for c in seen):
        facts.append(Fact("resumption", True, "The client resumed a session of the responder's."))
    if serving.early_data and any(c.early_data for c in seen):
        text = "The client announced early data before it knew whom it spoke to."
        facts.append(Fact("early data", False, text))
    return tuple(facts)
