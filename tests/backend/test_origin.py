from __future__ import annotations

import pytest

from lab.backend import Backend
from tests.backend.peers import Curl

HOST = "api.acme.test"


@pytest.mark.parametrize("path", ["/", "/v1/accounts/7?full=true", "/.."])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_answers_every_request_with_json(
    backend: Backend, curl: Curl, method: str, path: str
) -> None:
    endpoint = backend.addresses()[HOST]
    answered = curl(endpoint, HOST, "--request", method, "--path-as-is", path=path)
    assert (answered.status, answered.media_type) == (200, "application/json")
    assert answered.json == {"status": "ok", "served-by": "origin"}


def test_takes_a_body_and_keeps_the_connection(backend: Backend, curl: Curl) -> None:
    endpoint = backend.addresses()[HOST]
    again = f"https://{HOST}:{endpoint.port}/again"
    assert curl(endpoint, HOST, "--output", "/dev/null", again, data=b"x" * 100_000).status == 200
    assert backend.traffic(HOST).connections == 1
    assert [hit.path for hit in backend.origin.hits()] == ["/again", "/"]
