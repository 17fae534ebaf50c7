"""What the adversary's own records say of an attack whose handshake is wrong on purpose."""

from __future__ import annotations

from lab.judge.reading import describe, own
from lab.model.serving import Serving, Terminate
from lab.model.trial import ANOMALY, Fact, Phase


def anomaly_facts(phase: Phase, serving: Serving) -> tuple[Fact, ...]:
    """Tell whether the anomaly of ``serving`` went out, and what the client did about it.

    An attack that was not really served could not have been refused. Where the anomaly is on no
    connection of the attempt the fact does not hold for anybody: it was not measured.
    """
    if not isinstance(serving, Terminate) or serving.anomaly is None:
        return ()
    seen = own(phase, phase.host)
    served = [c for c in seen if c.anomaly is serving.anomaly]
    if served:
        count = f" ({len(served)} connections)" if len(served) > 1 else ""
        facts = [Fact(ANOMALY, True, f"The adversary {serving.anomaly}{count}.")]
    else:
        came_to = "; ".join(dict.fromkeys(describe(c) for c in seen)) or "nothing"
        text = f"Not served after all: that the adversary {serving.anomaly}. Seen was {came_to}."
        facts = [Fact(ANOMALY, None, text)]
    missteps = dict.fromkeys(c.misstep for c in seen if c.misstep)
    return (*facts, *(Fact("misstep", False, f"The client {misstep}.") for misstep in missteps))
