"""What OpenSSL can do with TLS sessions and pyOpenSSL does not offer, in one place.

Both ends of the lab are made of pyOpenSSL: the virtual phone and the adversary.
"""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL, _util

_lib: Any = _util.lib
_ffi: Any = _util.ffi

OP_NO_ANTI_REPLAY = 1 << 24
"""Take early data under tickets that are kept nowhere (openssl/ssl.h)."""
MAX_EARLY_DATA = 1 << 14
"""Bytes of early data that a ticket allows."""

_SUCCESS, _FINISH = 1, 2
"""What SSL_read_early_data returns while there is early data, and once there is no more."""


def is_resumed(connection: SSL.Connection) -> bool:
    """Tell whether the handshake resumed a session, so that no certificate was sent in it."""
    return bool(_lib.SSL_session_reused(_raw(connection)))


def resume(connection: SSL.Connection, session: SSL.Session) -> None:
    """Let the handshake offer ``session``. Unlike pyOpenSSL's own method this takes a session of
    another context: a context belongs to one moment's trust, a session outlives it."""
    kept: Any = session
    _lib.SSL_set_session(_raw(connection), kept._session)


def allow_early_data(context: SSL.Context) -> None:
    """Let the tickets of a server allow early data (RFC 8446 section 2.3)."""
    served: Any = context
    context.set_options(OP_NO_ANTI_REPLAY)
    _lib.SSL_CTX_set_max_early_data(served._context, MAX_EARLY_DATA)


def allows_early_data(session: SSL.Session) -> bool:
    """Tell whether the server that issued this session's ticket would take early data."""
    kept: Any = session
    return bool(_lib.SSL_SESSION_get_max_early_data(kept._session))


def write_early_data(connection: SSL.Connection, content: bytes) -> bool:
    """Send ``content`` before the handshake is finished; False where that cannot be."""
    written = _ffi.new("size_t *")
    result = _lib.SSL_write_early_data(_raw(connection), content, len(content), written)
    # What is left in the queue would be taken for the next call's error.
    _lib.ERR_clear_error()
    return bool(result == _SUCCESS)


def read_early_data(connection: SSL.Connection, taken: bytearray) -> None:
    """Add the early data that has arrived at a server to ``taken``. Returns once there is no more
    to come, so that the handshake can go on; raises what ``do_handshake`` does until then."""
    buffer, size = _ffi.new("unsigned char[]", MAX_EARLY_DATA), _ffi.new("size_t *")
    result = _SUCCESS
    while result == _SUCCESS:
        size[0] = 0
        result = _lib.SSL_read_early_data(_raw(connection), buffer, MAX_EARLY_DATA, size)
        taken += _ffi.buffer(buffer, size[0])
    if result != _FINISH:
        asked: Any = connection
        asked._raise_ssl_error(_raw(connection), result)


def _raw(connection: SSL.Connection) -> Any:
    made: Any = connection
    return made._ssl
