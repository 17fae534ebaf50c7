"""Whether captures tell the same as the records, packet by packet. No program is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from lab.evidence.fields import EvidenceRecord
from lab.evidence.finding import Finding
from lab.evidence.layout import CAPTURES
from lab.evidence.tls_reading import Secrets, Shown, read_tls, secrets_of
from lab.model.trial import Trial
from lab.model.wire import ConnectionRecord, WireClass
from lab.network.kernel.pcapng import frames_of, key_log_of
from lab.network.kernel.segments import Conversation, conversations, paired


def captures_of(record: EvidenceRecord) -> list[str]:
    """Return the paths of a record's captures."""
    prefix = f"{CAPTURES}/"
    return [a.path for a in record.observation.artefacts if a.path.startswith(prefix)]


def compare_captures(folder: Path, records: Mapping[str, EvidenceRecord]) -> Iterator[Finding]:
    """Yield what records, by their file's name, tell of connections and their captures do not, or
    the other way round. Raises OSError."""
    for name, record in records.items():
        trial = record.result.trial
        if trial is None:
            continue
        for path in captures_of(record):
            for text in disagreements(trial, (folder / path).read_bytes()):
                yield Finding(name, f"{path}: {text}")


def disagreements(trial: Trial, content: bytes) -> Iterator[str]:
    """Yield where a capture's ``content`` tells another story than the connections of ``trial``."""
    seen = conversations(frames_of(content))
    secrets = secrets_of(key_log_of(content))
    told = [c for phase in trial.phases for c in phase.connections if not c.foreign]
    for record, there in paired(told, seen):
        differences = _missing(record) if there is None else _differences(record, there, secrets)
        for text in differences:
            yield f"connection {record.id} from {record.peer}: {text}"


def _missing(record: ConnectionRecord) -> Iterator[str]:
    # Those over another network have no packets to be counted.
    if record.crossed is not None:
        yield "it is not there"


def _differences(record: ConnectionRecord, there: Conversation, secrets: Secrets) -> Iterator[str]:
    crossed = there.crossing
    if record.crossed is None:
        yield "it is there, and the record counts no packets of it"
    elif record.crossed != crossed:
        yield (
            f"packets {_both(crossed.packets)} and bytes {_both(crossed.bytes)}, but by the "
            f"record {_both(record.crossed.packets)} and {_both(record.crossed.bytes)}"
        )
    if not (there.up.is_whole and there.down.is_whole):
        # What is left cannot be told from what was said.
        return
    yield from _amounts(record, there)
    if record.wire_class is not WireClass.CLEARTEXT:
        shown = read_tls(there.up.content(), there.down.content(), secrets)
        yield from _handshake(record, shown)


def _amounts(record: ConnectionRecord, there: Conversation) -> Iterator[str]:
    """Yield where the bytes are not so many as they should be."""
    up, down = there.crossing.bytes
    if record.wire_class is WireClass.RELAYED and (
        record.relayed_bytes[0] > up or record.relayed_bytes[1] > down
    ):
        yield f"bytes {_both((up, down))}, but {_both(record.relayed_bytes)} were passed on"
    if record.wire_class is WireClass.CLEARTEXT and record.client_bytes > up:
        yield f"{up} bytes in clear, but by the record {record.client_bytes}"


def _handshake(record: ConnectionRecord, shown: Shown) -> Iterator[str]:
    if shown.asks and shown.name != record.sni:
        yield f"it asks for {shown.name}, but by the record for {record.sni}"
    if not shown.asks and record.sni is not None:
        yield f"it asks for nobody, but by the record for {record.sni}"
    if record.wire_class is WireClass.RELAYED:
        # What the genuine endpoint said is not the adversary's.
        return
    if shown.chain is not None and shown.chain != record.served_chain and not record.resumed:
        yield f"served were {_chain(shown.chain)}, but by the record {_chain(record.served_chain)}"
    yield from _alerts(record, shown)
    if shown.said is not None and shown.said != record.client_bytes:
        yield f"{shown.said} application bytes, but by the record {record.client_bytes}"


def _alerts(record: ConnectionRecord, shown: Shown) -> Iterator[str]:
    alert = record.alert
    if alert is None:
        for code, by_client in sorted(shown.alerts):
            yield f"alert {code} of {_who(by_client)}, but by the record none"
    elif (
        alert.code,
        alert.sent_by_client,
    ) not in shown.alerts and alert.sent_by_client not in shown.sealed_alerts:
        yield f"no alert {alert.code} of {_who(alert.sent_by_client)}, but one by the record"


def _who(by_client: bool) -> str:
    return "the client" if by_client else "the server"


def _both(amounts: tuple[int, int]) -> str:
    return f"{amounts[0]} up, {amounts[1]} down"


def _chain(digests: tuple[str, ...]) -> str:
    return ", ".join(f"{digest[:16]}…" for digest in digests) or "no certificates"
