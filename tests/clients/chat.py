"""WebSockets by the library `websockets`, both ends.

    chat.py serve              prints the port, then answers every message with itself
    chat.py call URL COUNT     sends so many messages and checks each answer; prints the codes the server
                               closed with: one that was asked for, and 1000 for the last connection
"""

import sys

from websockets.sync.client import connect
from websockets.sync.server import serve
from websockets.exceptions import ConnectionClosed


def answer(connection):
    for message in connection:
        if message == "leave":
            connection.close(4001, "as you wish")
            return
        connection.send(message)


def call(url, count):
    with connect(url, compression=None, max_size=None) as connection:
        for number in range(count):
            text = f"message {number} " + "x" * (number % 300)
            connection.send(text)
            assert connection.recv(timeout=20) == text, number
        large = bytes(range(256)) * 4096
        connection.send(large)
        assert connection.recv(timeout=20) == large
        connection.send("leave")
        try:
            connection.recv(timeout=20)
        except ConnectionClosed as closed:
            print(closed.rcvd.code, closed.rcvd.reason)
    with connect(url) as connection:
        connection.close(1000)
        print(connection.protocol.close_rcvd.code)


if sys.argv[1] == "serve":
    with serve(answer, "127.0.0.1", 0, max_size=None) as server:
        print(server.socket.getsockname()[1], flush=True)
        server.serve_forever()
else:
    call(sys.argv[2], int(sys.argv[3]))
