"""The client of the throughput measurement, a process of its own: requests through a proxy.

``python -m tests.bench.client PROXY_PORT TARGET_HOST TARGET_PORT SNI COUNT`` prints the seconds
that all requests together took. Certificates are not checked, each connection is a new one. With 0
for the proxy there is none: the target is dialled itself.
"""

from __future__ import annotations

import socket
import ssl
import sys
import time


def request(context: ssl.SSLContext, proxy: int, host: str, port: int, name: str) -> None:
    """Make one request over a new connection; raises where it is not answered with 200."""
    there = ("127.0.0.1", proxy) if proxy else (host, port)
    with socket.create_connection(there, 10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if proxy:
            ask_for_tunnel(sock, host, port)
        with context.wrap_socket(sock, server_hostname=name) as secured:
            secured.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            answer = secured.recv(4096)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise ConnectionError(answer)


def ask_for_tunnel(sock: socket.socket, host: str, port: int) -> None:
    """Ask a proxy for a tunnel; raises where it gives none."""
    sock.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += sock.recv(4096) or b"\r\n\r\n"
    if b" 200 " not in answer:
        raise ConnectionError(answer)


def main() -> None:
    proxy, host, port, name, count = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for _ in range(10):
        request(context, int(proxy), host, int(port), name)
    started = time.perf_counter()
    for _ in range(int(count)):
        request(context, int(proxy), host, int(port), name)
    sys.stdout.write(f"{time.perf_counter() - started}\n")


if __name__ == "__main__":
    main()
