"""Small words that attacks are written in."""

from __future__ import annotations

from lab.model.serving import HttpAnswer, Terminate
from lab.pki.credential import Credential

JSON = HttpAnswer()


def terminate(credential: Credential, answer: HttpAnswer = JSON) -> Terminate:
    """Take TLS off with the chain and key of ``credential``."""
    return Terminate(chain=credential.chain_der, key=credential.key_der, answer=answer)
