#!/usr/bin/env python3
"""Reads the masks of vos-serve's frames: docs/wire.md in another language, with numpy and nothing else.

    wire.py MASKS...           prints sizes, ids and pixel counts of a row of recorded masks, each the base of the next
    wire.py --png DIR MASKS... also writes each label map as a 16-bit PNG

As a module: `decode(masks, base)` gives a Masks, `frame(message)` the fields of a FrameResult message; `build` writes and
`fields` reads any message, and label maps come from and go to PNG: serve_client.py uses them.
"""

import re
import struct
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

HEADERS = Path(__file__).resolve().parent.parent / "include/vos/wire"
LETTERS = {c: i for i, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")}


def tables():
    text = (HEADERS / "mask_priors.hpp").read_text()
    chances = [int(n) for n in re.findall(r"\d+", re.search(r"mask_prior_chances = \{(.*?)\}", text, re.S)[1])]
    priors = {kind: [chances[LETTERS[c]] for c in "".join(re.findall(r'"(.*?)"', re.search(rf"mask_{kind}_priors =(.*?);", text, re.S)[1]))]
              for kind in ("key", "delta")}
    rates = re.search(r"rates\[\] = \{(.*?)\}", (HEADERS / "range_coder.hpp").read_text(), re.S)[1]
    return priors["key"], priors["delta"], [int(n) for n in re.findall(r"\d+", rates)]


KEY, DELTA, RATES = tables()


@dataclass
class Masks:
    height: int
    width: int
    overlapping: bool
    ids: list
    layers: list = field(default_factory=list)  # [height,width] slots, 0 for none

    def check(self):
        h = 0x811C9DC5
        for word in self.words():
            h = (h ^ word) * 0x9E3779B1 & 0xFFFFFFFF
            h ^= h >> 15
        return h & 0xFFFF

    def words(self):
        yield from (self.height, self.width, int(self.overlapping), *self.ids)
        for layer in self.layers:
            for y, row in enumerate(layer):
                changes = np.flatnonzero(np.diff(row, prepend=0))
                if len(changes):
                    yield y | 0x80000000
                    yield from (int(x) << 16 ^ int(row[x]) for x in changes)

    def labels(self):
        return np.array([0, *self.ids])[self.layers[0]]


class Decisions:
    def __init__(self, data, priors):
        self.data, self.at, self.range = data + bytes(4), 4, 0xFFFFFFFF
        self.code = int.from_bytes(self.data[:4], "big")
        self.chances, self.seen = list(priors), [0] * len(priors)

    def shift(self):
        if self.at == len(self.data):
            raise ValueError("the masks end too early")
        self.code, self.range, self.at = (self.code << 8 | self.data[self.at]) & 0xFFFFFFFF, self.range << 8, self.at + 1

    def yes(self, place):
        p = self.chances[place]
        part = (self.range >> 16) * p
        rate, yes = RATES[self.seen[place]], self.code < part
        if yes:
            self.range = part
            self.chances[place] = p + ((65503 - p) * rate >> 16)
        else:
            self.code, self.range = self.code - part, self.range - part
            self.chances[place] = p - ((p - 32) * rate >> 16)
        self.seen[place] = min(self.seen[place] + 1, len(RATES) - 1)
        while self.range < 1 << 24:
            self.shift()
        return yes

    def plain(self, count):
        value = 0
        for _ in range(count):
            self.range >>= 1
            one = self.code < self.range
            if not one:
                self.code -= self.range
            value = value << 1 | one
            if self.range < 1 << 24:
                self.shift()
        return value

    def number(self, place):
        digits = 0
        while digits < 16 and self.yes(place + digits):
            digits += 1
        return (1 << digits | self.plain(digits)) - 1


def shifted(layer, moves):
    """The layer with each slot k at moves[k] = (slot, x, y); the higher new slot above."""
    to = np.zeros_like(layer)
    height, width = layer.shape
    for k, (slot, dx, dy) in sorted(moves.items(), key=lambda move: move[1][0]):
        y, x = np.nonzero(layer == k)
        inside = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
        to[y[inside] + dy, x[inside] + dx] = slot
    return to


def next_change(row, width, behind, none):
    """The first place behind a column where a row changes, and what begins there. `row` has a margin of 8."""
    for x in range(max(behind + 1, 0), width):
        if row[x + 8] != row[x + 7]:
            return x, row[x + 8]
    return none, 0


def decode_layer(decide, height, width, slots, before):
    delta, layer = before is not None, np.zeros((height, width), np.int64)

    def line(rows, y):
        return [0] * 8 + (rows[y].tolist() if rows is not None and 0 <= y < height else [0] * width) + [0] * 8

    def slot(west, near, place):
        if slots == 1:
            return 1 - west
        for i, one in enumerate(near):
            if one != west and one not in near[:i] and decide.yes(1056 + min(place + i, 7)):
                return one
        return decide.plain(slots.bit_length())

    history = 0
    for y in range(height):
        n, nn, r, ru, rd = line(layer, y - 1), line(layer, y - 2), line(before, y), line(before, y - 1), line(before, y + 1)
        blank = not any(any(row) for row in (n, r, ru, rd))
        same = decide.yes(1024 + 4 * blank + history)
        history = (history << 1 | same) & 3
        if same:
            layer[y] = (r if delta else n)[8:8 + width]
            continue
        west, changed_at, x = 0, -2, 0
        while x < width:
            i = x + 8
            around = ((n[i + 1], rd[i + 1], n[i], nn[i - 1], n[i + 3], rd[i], ru[i + 1], r[i - 2], r[i + 2], nn[i]) if delta else
                      (n[i], nn[i - 2], n[i + 1], nn[i + 1], nn[i], n[i + 4], nn[i + 2], n[i - 1], n[i - 3], nn[i - 1]))
            context = sum((one != west) << bit for bit, one in enumerate(around))
            others = [n[i - 2], n[i + 2]] + ([n[i - 1], r[i - 1], r[i], r[i + 1], ru[i]] if delta else [])
            if context or changed_at == x - 1 or any(one != west for one in others):
                if not decide.yes(context):
                    layer[y, x] = west
                    x += 1
                    continue
                after = slot(west, [r[i], n[i], n[i + 1], r[i + 1], 0] if delta else [n[i], n[i + 1], n[i + 2], n[i + 3], 0], 0)
            else:
                end, first = next_change(n, width, x + 2, width + 2)
                end, second = min(width, end - 2), 0
                if delta:
                    at, second = next_change(r, width, x + 1, width + 1)
                    end = min(end, at - 1, next_change(ru, width, x, width)[0], next_change(rd, width, x, width)[0])
                if not decide.yes(1032 + min((end - x >> 1).bit_length(), 7)):
                    layer[y, x:end] = west
                    x = end
                    continue
                left = decide.number(1040)
                if left >= end - x:
                    raise ValueError("the masks are damaged")
                layer[y, x:end - 1 - left] = west
                x = end - 1 - left
                after = slot(west, [first, second, 0, 0, 0], 5)
            if after == west or after > slots:
                raise ValueError("the masks are damaged")
            layer[y, x] = west = after
            changed_at, x = x, x + 1
    return layer


def decode(data, base=None):
    """The Masks of a frame; `base` is the frame shown last, for a difference."""
    at = 3

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 128:
                return value

    head, check = data[0], int.from_bytes(data[1:3], "little")
    if head >> 3 != 2:
        raise ValueError("the masks are in a form that this program does not know")
    delta, overlapping = bool(head & 1), bool(head & 2)
    if delta:
        if base is None or base.overlapping != overlapping or base.check() != int.from_bytes(data[3:5], "little"):
            raise ValueError("the masks are the difference to a frame that is not here")
        at, height, width = 5, base.height, base.width
    else:
        height, width = varint(), varint()
    ids = list(base.ids) if head & 4 else []
    if not head & 4:
        last = 0
        for _ in range(varint()):
            last += varint() + 1
            ids.append(last)
    now, decide, moves = Masks(height, width, overlapping, ids), Decisions(data[at:], DELTA if delta else KEY), {}
    for k, one in enumerate(base.ids if delta else [], 1):
        if one not in ids:
            continue
        move = [0, 0]
        if decide.yes(1064):
            for axis in (0, 1):
                if not decide.yes(1065):
                    left = decide.plain(1)
                    move[axis] = (decide.number(1066) + 1) * (-1 if left else 1)
        moves[k] = (ids.index(one) + 1, *move)
    if overlapping:
        for one in ids:
            before = np.zeros((height, width), np.int64) if delta else None
            if delta and one in base.ids:
                k = base.ids.index(one)
                before = shifted(base.layers[k], {1: (1, *moves[k + 1][1:])})
            now.layers.append(decode_layer(decide, height, width, 1, before))
    else:
        now.layers.append(decode_layer(decide, height, width, len(ids), shifted(base.layers[0], moves) if delta else None))
    if now.check() != check:
        raise ValueError("the masks are damaged")
    return now


def build(body, table, request=0):
    """A FlatBuffers message. A table is a tuple of fields: None, ("q", number), text, points [n,2], or a list of tables."""
    out = bytearray(struct.pack("<I4s", 0, b"VOSW"))
    is_number = lambda field: type(field) is tuple and len(field) > 1 and type(field[0]) is str

    def put(value):
        out.extend(bytes(-len(out) % 8))
        at = len(out)
        if isinstance(value, str):
            out.extend(struct.pack("<I", len(value.encode())) + value.encode() + b"\0")
        elif isinstance(value, np.ndarray):
            out.extend(struct.pack("<I", len(value)) + value.astype("<f4").tobytes())
        elif isinstance(value, list):
            out.extend(struct.pack("<I", len(value)) + bytes(4 * len(value)))
            for place, one in enumerate(value):
                struct.pack_into("<I", out, at + 4 + 4 * place, put(one) - (at + 4 + 4 * place))
        else:
            kinds = [field[0] if is_number(field) else "I" for field in value]
            slots, size = [], 4
            for field, kind in zip(value, kinds):
                size += -size % struct.calcsize(kind[-1])
                slots.append(0 if field is None else size)
                size += 0 if field is None else struct.calcsize("<" + kind)
            out.extend(struct.pack(f"<HH{len(slots)}H", 4 + 2 * len(slots), size, *slots))
            out.extend(bytes(-len(out) % 8))
            start = len(out)
            out.extend(struct.pack("<i", start - at) + bytes(size - 4))
            for field, kind, slot in zip(value, kinds, slots):
                if is_number(field):
                    struct.pack_into("<" + kind, out, start + slot, *field[1:])
                elif field is not None:
                    struct.pack_into("<I", out, start + slot, put(field) - (start + slot))
            return start
        return at

    struct.pack_into("<I", out, 0, put((("B", body), table, ("I", request))))
    return bytes(out)


def fields(message, table):
    """Reads a table: get("I", k) is its field k as a number, get("", k) where it leads, None where it is left out."""
    rows = table - struct.unpack_from("<i", message, table)[0]

    def get(kind, k):
        slot = struct.unpack_from("<H", message, rows + 4 + 2 * k)[0] if 4 + 2 * k < struct.unpack_from("<H", message, rows)[0] else 0
        value = struct.unpack_from("<" + (kind or "I"), message, table + slot)[0] if slot else None
        return value if kind or not slot else table + slot + value
    return get


def text(message, at):
    """The text that a reader's get("", k) leads to; "" where it was left out."""
    return message[at + 4:at + 4 + struct.unpack_from("<I", message, at)[0]].decode() if at else ""


def frame(message):
    """Index, seconds, size, objects and masks of a FrameResult message. A real client takes FlatBuffers' own reader."""
    root = fields(message, struct.unpack_from("<I", message)[0])
    if message[4:8] != b"VOSW" or root("B", 0) != 65:
        raise ValueError("not a frame")
    get = fields(message, root("", 1))
    count = lambda at: struct.unpack_from("<I", message, at)[0]
    objects, masks = get("", 4), get("", 5)
    return {"index": get("q", 0) or 0, "seconds": get("d", 1) or 0.0, "size": (get("I", 3) or 0, get("I", 2) or 0),
            "objects": [struct.unpack_from("<iif4H2B", message, objects + 4 + 24 * i) for i in range(count(objects))] if objects else [],
            "masks": bytes(message[masks + 4:masks + 4 + count(masks)]) if masks else b""}


def png_bytes(labels, depth, colour, *chunks):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = labels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in labels.astype(">u2" if depth == 16 else np.uint8))
    parts = ((b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def write_png(path, labels):
    path.write_bytes(png_bytes(labels, 16, 0))


def write_palette_png(path, labels):
    """In DAVIS's colours; ids end at 255."""
    palette = bytes(sum((i >> (3 * j + c) & 1) << (7 - j) for j in range(3)) for i in range(256) for c in range(3))
    path.write_bytes(png_bytes(labels, 8, 3, (b"PLTE", palette)))


def read_png(path):
    """The numbers in an 8-bit palette or grey PNG: a label map."""
    data, at, packed = Path(path).read_bytes(), 8, b""
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, at + 8)
        packed += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    if depth != 8 or colour not in (0, 3) or interlaced:
        raise ValueError(f"{path} is not an 8-bit palette or grey PNG")
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, width + 1).astype(int)
    before = np.zeros(width + 1, int)
    for row in rows:
        kind, row[0] = row[0], 0
        for x in range(1, width + 1) if kind else ():
            left, up, corner = row[x - 1], before[x], before[x - 1]
            nearest = min((abs(up - corner), 0, left), (abs(left - corner), 1, up), (abs(left + up - 2 * corner), 2, corner))[2]
            row[x] = row[x] + (0, left, up, (left + up) // 2, nearest)[kind] & 255
        before = row
    return rows[:, 1:]


def main(arguments):
    folder = Path(arguments[1]) if arguments[:1] == ["--png"] else None
    base = None
    for path in map(Path, arguments[2 if folder else 0:]):
        data = path.read_bytes()
        base = decode(frame(data)["masks"] if data[4:8] == b"VOSW" else data, base)
        counts = {i: int((layer == k).sum()) for layer, pairs in
                  zip(base.layers, [[(1, i)] for i in base.ids] if base.overlapping else [enumerate(base.ids, 1)]) for k, i in pairs}
        print(f"{path.name}: {len(data)} bytes, {base.width}x{base.height}, pixels of each id: {counts}")
        if folder and not base.overlapping:
            write_png(folder / (path.stem + ".png"), base.labels())


if __name__ == "__main__":
    main(sys.argv[1:])
