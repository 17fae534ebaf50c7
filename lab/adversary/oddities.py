"""Which handmade server makes which anomaly."""

from __future__ import annotations

from collections.abc import Mapping

from lab.adversary import odd_choices, odd_messages
from lab.adversary.handmade import Handmade
from lab.adversary.handmade_keys import rsa_signature, signing_key
from lab.adversary.handmade_server import HandmadeServer
from lab.adversary.track import Track
from lab.model.anomaly import Anomaly
from lab.model.serving import Terminate
from lab.model.wire import TlsVersion

SERVERS: Mapping[Anomaly, type[HandmadeServer]] = {
    Anomaly.SSL3: odd_choices.Ssl3,
    Anomaly.TLS10: odd_choices.Tls10,
    Anomaly.TLS11: odd_choices.Tls11,
    Anomaly.NULL_SUITE: odd_choices.Null,
    Anomaly.RC4_SUITE: odd_choices.Rc4,
    Anomaly.TRIPLE_DES_SUITE: odd_choices.TripleDes,
    Anomaly.ANONYMOUS: odd_choices.Anonymous,
    Anomaly.UNOFFERED_SUITE: odd_choices.Unoffered,
    Anomaly.WEAK_CURVE: odd_choices.WeakCurve,
    Anomaly.DH512: odd_choices.Dh512,
    Anomaly.DH1024: odd_choices.Dh1024,
    Anomaly.EXPORT_KEY: odd_choices.ExportKey,
    Anomaly.SENTINEL: odd_choices.Sentinel,
    Anomaly.ALERTS_MODERN: odd_choices.Intolerant,
    Anomaly.DROPS_MODERN: odd_choices.Dropping,
    Anomaly.OTHER_KEY: odd_messages.OtherKey,
    Anomaly.BAD_SIGNATURE: odd_messages.BadSignature,
    Anomaly.NO_SIGNATURE: odd_messages.NoSignature,
    Anomaly.BAD_FINISHED: odd_messages.BadFinished,
    Anomaly.EARLY_CCS: odd_messages.EarlyCcs,
    Anomaly.HEARTBEAT: odd_messages.Heartbeat,
    Anomaly.COMPRESSION: odd_messages.Compression,
    Anomaly.UNOFFERED_PROTOCOL: odd_messages.UnofferedProtocol,
    Anomaly.NAME_WARNING: odd_messages.NameWarning,
    Anomaly.ASKS_CERTIFICATE: odd_messages.AsksCertificate,
    Anomaly.ONE_BYTE_RECORDS: odd_messages.OneByteRecords,
    Anomaly.SMALL_PIECES: odd_messages.SmallPieces,
    Anomaly.CUT_OFF: odd_messages.CutOff,
    Anomaly.READS_HELLO: odd_messages.ReadsHello,
}


def handmade_connection(
    serving: Terminate, versions: tuple[TlsVersion, ...], track: Track
) -> Handmade:
    """Return the server side of a connection on which ``serving`` has its anomaly."""
    assert serving.anomaly is not None, "what has no anomaly is OpenSSL's to serve"
    return Handmade(SERVERS[serving.anomaly], serving, versions, track)


def prepare(serving: Terminate) -> None:
    """Make ready what serving by hand takes. Raises ValueError where it cannot be done."""
    if serving.anomaly is not None:
        signing_key(serving.key)
        if serving.anomaly is Anomaly.EXPORT_KEY:
            rsa_signature(serving.key, b"")
