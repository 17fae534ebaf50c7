"""What the phone keeps over a restart, in a file of SQLite's."""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from contextlib import suppress
from pathlib import Path

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

MAX_ROWS = 50_000
MAX_TEXT = 1_000_000
"""Characters of a value as JSON."""

_BEGIN = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class Kept:
    """A table of values by name; it survives the end of the process, however that comes.

    A file that is no such table is replaced by an empty one. May be used from any thread.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.Lock()
        try:
            self._connection = _open(file)
        except sqlite3.DatabaseError:
            for path in file.parent.glob(f"{file.name}*"):
                path.unlink()
            self._connection = _open(file)
        weakref.finalize(self, self._connection.close)

    def set(self, key: str, value: Json) -> None:
        """Keep a value under a name."""
        text = json.dumps(value)
        with self._lock:
            self._connection.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (key, text))

    def drop(self, *keys: str) -> None:
        """Forget what is kept under these names."""
        with self._lock:
            self._connection.executemany("DELETE FROM kept WHERE key = ?", [(k,) for k in keys])

    def load(self) -> dict[str, Json]:
        """Return everything; what is no JSON is left out."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT key, value FROM kept WHERE length(value) <= ? LIMIT ?", (MAX_TEXT, MAX_ROWS)
            ).fetchall()
        found: dict[str, Json] = {}
        for key, text in rows:
            with suppress(ValueError, RecursionError):
                found[str(key)] = json.loads(text)
        return found


def _open(file: Path) -> sqlite3.Connection:
    # Nobody else's to read, from the start.
    file.touch(mode=0o600)
    # Every statement is a transaction of its own: there is nothing to commit, or to lose.
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    try:
        connection.executescript(_BEGIN)
        connection.execute("SELECT key, value FROM kept LIMIT 1").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection
