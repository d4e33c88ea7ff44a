#!/usr/bin/env python3
"""Tracks objects through a video by vos-serve, from any program: marks them, plays to the end, saves masks and the session.

    serve_client.py LINK --clip clip.mp4 --box 120,80,260,300 --output masks/
    serve_client.py LINK --sample demo --mask first.png --output masks/ --session demo.session.json

LINK is what vos-serve prints. Needs numpy; docs/wire.md and include/vos/wire/vos.fbs tell what the messages hold."""

import argparse
import json
import os
import socket
import struct
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
import wire

HELLO, PLAY, SPEED, PROMPT, EXPORT, FRAME, PLAYBACK, NOTICE, ANSWER = 1, 2, 5, 10, 21, 65, 67, 69, 70


class Connection:
    """A WebSocket, as far as this needs one."""

    def __init__(self, url, token):
        self.socket = socket.create_connection((url.hostname, url.port))
        self.stream = self.socket.makefile("rb")
        self.socket.sendall(f"GET /ws HTTP/1.1\r\nHost: {url.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nAuthorization: Bearer {token}\r\n"
                            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dm9zLXNlcnZlLWNsaWVudA==\r\n\r\n".encode())
        if b" 101 " not in (lines := list(iter(self.stream.readline, b"\r\n")))[0]:
            raise SystemExit("the server refused: " + lines[0].decode().strip())

    def send(self, data, kind=2):
        mask, size = os.urandom(4), len(data)
        head = struct.pack("!B", 128 | size) if size < 126 else struct.pack("!BH", 254, size) if size < 65536 else struct.pack("!BQ", 255, size)
        masked = np.frombuffer(data, np.uint8) ^ np.resize(np.frombuffer(mask, np.uint8), size)
        self.socket.sendall(bytes([128 | kind]) + head + mask + masked.tobytes())

    def receive(self):
        """The next message: its kind, the request that it answers, a reader of its table, its text reader, and all of it."""
        data, last = b"", False
        while not last:
            if len(head := self.stream.read(2)) < 2:
                raise SystemExit("the server closed the connection without a word")
            first, size = head
            size = int.from_bytes(self.stream.read({126: 2, 127: 8}[size]), "big") if size > 125 else size
            if len(part := self.stream.read(size)) < size:
                raise SystemExit("the server closed the connection in the middle of a message")
            if first & 15 == 8:
                raise SystemExit("the server ended the connection: " + part[2:].decode(errors="replace"))
            if first & 15 == 9:
                self.send(part, 10)
            data, last = (data + part, first & 128) if first & 15 < 3 else (data, False)
        root = wire.fields(data, struct.unpack_from("<I", data)[0])
        return root("B", 0), root("I", 2) or 0, wire.fields(data, root("", 1)), lambda at: wire.text(data, at), data


def marks_of(boxes, mask):
    """An object for each box; for each number in a label map one of polygons: a rectangle for each stretch of a row."""
    marks = [(None, ("4f", *map(float, box.split(",")))) for box in boxes]
    labels = np.pad(wire.read_png(mask), ((0, 0), (1, 1))) if mask else np.zeros((1, 1), int)
    for label in np.unique(labels[labels > 0]):
        ys, edges = np.nonzero(np.diff((labels == label).astype(int), axis=1))
        marks.append((None, None, None, None, [(np.array([[a, y], [b, y], [b, y + 1], [a, y + 1]]),) for y, a, b in zip(ys[::2], edges[::2], edges[1::2])]))
    return marks


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("link")
    for name, text in (("clip", "a video to upload"), ("sample", "a clip of the server's"), ("mask", "a PNG: the objects in the first frame"),
                       ("model", "which one"), ("session", "where the session file goes, for vos-infer --session")):
        parser.add_argument("--" + name, help=text, default="")
    parser.add_argument("--box", action="append", default=[], help="x0,y0,x1,y1 of an object in the first frame")
    parser.add_argument("--output", required=True, type=Path, help="the folder for the masks")
    options = parser.parse_args()
    url = urllib.parse.urlsplit(options.link)
    if not url.hostname:
        parser.error(f"{options.link} is no link; vos-serve prints one")
    if url.scheme != "http":
        parser.error(f"{url.scheme} is not spoken here, only http: use a tunnel (ssh -L) to a server without TLS")
    token = urllib.parse.parse_qs(url.query).get("token", [""])[0]

    def ask(path, data=None, kind="application/json"):
        request = urllib.request.Request(f"{url.scheme}://{url.netloc}{path}", data, {"Authorization": "Bearer " + token, "Content-Type": kind})
        try:
            return urllib.request.urlopen(request).read()
        except urllib.error.HTTPError as error:
            raise SystemExit(f"the server refused: {error.read().decode()}")
        except urllib.error.URLError as error:
            raise SystemExit(f"no server at {url.netloc}: {error.reason}")

    if options.clip:
        query = urllib.parse.urlencode({"name": Path(options.clip).name} | ({"model": options.model} if options.model else {}))
        made = json.loads(ask("/api/sessions?" + query, Path(options.clip).read_bytes(), "application/octet-stream"))
    else:
        source = {"source": "sample:" + options.sample if options.sample else "input"} | ({"model": options.model} if options.model else {})
        made = json.loads(ask("/api/sessions", json.dumps(source).encode()))
    server, shown, playing, answers = Connection(url, token), None, False, {}
    options.output.mkdir(parents=True, exist_ok=True)

    def follow(until):
        nonlocal shown, playing
        while not until():
            kind, request, get, text, data = server.receive()
            if kind == FRAME and (seen := wire.frame(data))["masks"]:
                shown = wire.decode(seen["masks"], shown)
                wire.write_palette_png(options.output / f"{seen['index']:05}.png", shown.labels())
            elif kind == PLAYBACK:
                playing = bool(get("B", 2))
            elif kind == ANSWER:
                answers[request] = text(get("", 3))
            if kind == NOTICE or kind == ANSWER and get("", 0):
                at = get if kind == NOTICE else wire.fields(data, get("", 0))
                print(" - ".join(filter(None, (text(at("", k)) for k in (2, 4)))))
                if kind == ANSWER:
                    raise SystemExit(1)

    server.send(wire.build(HELLO, (("H", 1), "serve_client.py", None, made["session"], made["resume"])))
    server.send(wire.build(PROMPT, (("q", 0), marks_of(options.box, options.mask)), 1))
    follow(lambda: 1 in answers)
    server.send(wire.build(SPEED, (("f", 0),), 2))  # as fast as it goes; a file waits for who reads slowly
    server.send(wire.build(PLAY, (), 3))
    follow(lambda: 3 in answers)
    follow(lambda: not playing)
    if options.session:
        server.send(wire.build(EXPORT, (("B", 3),), 4))
        follow(lambda: 4 in answers)
        Path(options.session).write_bytes(ask(answers[4]))
    print(f"{len(list(options.output.glob('*.png')))} masks in {options.output}")


if __name__ == "__main__":
    main()
