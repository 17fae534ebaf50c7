"""Where everything is in a bundle, the folder ``reports/<run>/`` of one run."""

from __future__ import annotations

RECORDS = "records"
"""One JSON document a scenario: ``<number>-<case>-<device>.json``."""
CERTIFICATES = "certificates"
"""Every certificate that was served: ``<SHA-256 of its DER>.pem``."""
SCREENSHOTS, CAPTURES = "screenshots", "captures"

VERDICTS = "verdicts.jsonl"
RESULTS = "results.json"
PAGE = "index.html"
JUNIT = "junit.xml"
"""As pytest writes it."""
SCENARIOS = "scenarios.junit.xml"
"""The same format, written from the results alone."""
SARIF, FAILURES = "results.sarif", "failures.sarif"
CHECKLIST = "mas-checklist.xlsx"
SUMMARY = "summary.md"
CONTEXT = "context.json"
"""What the run was started with."""
DEVICES = "devices.yaml"
SELFTEST = "selftest.json"

CONNECTIONS = "connections.jsonl"
LOOKUPS = "dns.jsonl"
FLOWS = "flows.har"
APP_LOG = "app-log.txt"
DERIVED = (CONNECTIONS, LOOKUPS, FLOWS, APP_LOG)
"""Made from the records alone."""

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
"""How every screenshot begins."""
SIGNER = "signer.pem"
"""The public key by which journal and attestation are verified: SPKI, PEM."""
JOURNAL = "seals.jsonl"
"""Signed digests of what was there when each record came: what a killed run verifies by."""
MANIFEST = "manifest.json"
TIMESTAMP = "timestamp.tsr"
ATTESTATION = "attestation.dsse.json"
"""Written last: with it the bundle is whole."""
UNLISTED = (MANIFEST, TIMESTAMP, ATTESTATION)
"""What the manifest does not list: the attestation vouches for the two others, its signature for
itself."""

MARKER = "INCOMPLETE"
"""A file of this name says that the run did not finish, or did not get to everything."""
UNFINISHED = "The run has not finished: what is here is what it got to."
