"""The attestation, opened by the in-toto project's own library."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage

from lab.evidence.canonical import digest_of
from lab.evidence.layout import ATTESTATION, MANIFEST
from tests.evidence.bundles import make, results


def test_in_toto_reads_the_statement(tmp_path: Path) -> None:
    folder = make(tmp_path)
    envelope = json.loads((folder / ATTESTATION).read_bytes())
    payload = base64.b64decode(envelope["payload"])
    read = json_format.Parse(payload, StatementMessage())
    statement = Statement.copy_from_pb(read)
    statement.validate()
    (subject,) = statement.pb.subject
    assert dict(subject.digest) == {"sha256": "ab" * 32}
    predicate = json_format.ParseDict(
        json_format.MessageToDict(statement.pb.predicate), test_result_pb2.TestResult()
    )
    assert predicate.result == "FAILED"
    assert [predicate.configuration[0].name, predicate.configuration[0].digest["sha256"]] == [
        MANIFEST,
        digest_of((folder / MANIFEST).read_bytes()).sha256,
    ]
    told = {
        verdict: list(names)
        for verdict, names in (
            ("PASS", predicate.passed_tests),
            ("FAIL", predicate.failed_tests),
            ("INCONCLUSIVE", predicate.warned_tests),
        )
    }
    assert told == {
        verdict: [r.node for r in results() if r.verdict == verdict] for verdict in told
    }
