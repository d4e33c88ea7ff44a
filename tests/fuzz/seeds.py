#!/usr/bin/env python3
"""Makes the seeds of the fuzzers' corpora: small valid inputs and crafted hostile ones. Standard library only.

    python seeds.py        writes corpus/png_labels, corpus/rle and corpus/containers beside this file

Inputs that a fuzzer found lie there too, under names that begin with `found`, and are left alone.
"""

import struct
import zlib
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, colour, depth, rows, palette=None, interlace=0, extra=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    body = chunk(b"PLTE", palette) if palette else b""
    raw = rows if isinstance(rows, bytes) else b"".join(b"\0" + row for row in rows)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + extra + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


def png_seeds():
    palette = bytes(range(256)) * 3
    rows = [bytes((x * y) % 5 for x in range(7)) for y in range(5)]
    good = png(7, 5, 3, 8, rows, palette)
    yield "palette8", good
    yield "palette1", png(9, 2, 3, 1, [b"\xa5\x80", b"\x5a\x00"], palette[:6])
    yield "palette2", png(5, 2, 3, 2, [b"\x1b\x40", b"\xe4\x80"], palette[:12])
    yield "palette4", png(3, 2, 3, 4, [b"\x12\x30", b"\xf0\xe0"], palette[:48])
    yield "grey8", png(7, 5, 0, 8, rows)
    yield "grey_binary", png(4, 1, 0, 8, [b"\0\xff\xff\0"])
    yield "grey16", png(3, 1, 0, 16, [b"\0\1\1\0\xff\xff"])
    yield "rgb_grey", png(2, 1, 2, 8, [b"\1\1\1\2\2\2"])
    yield "rgb_colour", png(2, 1, 2, 8, [b"\x80\0\0\0\x80\0"])
    yield "rgba", png(1, 1, 6, 8, [b"\1\1\1\xff"])
    yield "grey_alpha16", png(1, 1, 4, 16, [b"\0\5\xff\xff"])
    yield "interlaced", png(4, 4, 0, 8, b"".join(b"\0" + bytes(n) for n in (1, 1, 1, 2, 2, 4, 4)) + b"\0\0\0" * 4, interlace=1)
    yield "empty", b""
    yield "signature", good[:8]
    yield "cut_header", good[:20]
    yield "cut_data", good[:-20]
    yield "no_end", good[:-12]
    yield "trailing", good + b"junk"
    yield "bad_crc", good.replace(b"IDAT", b"IDAU")
    yield "bad_filter", png(2, 2, 0, 8, b"\x09\0\0\x09\0\0")
    yield "short_rows", png(7, 5, 0, 8, rows[:2])
    yield "long_rows", png(7, 2, 0, 8, rows)
    yield "huge_claim", png(60000, 60000, 0, 8, rows)
    yield "max_claim", png(0x7FFFFFFF, 0x7FFFFFFF, 0, 1, rows)
    yield "zero_width", png(0, 5, 0, 8, rows)
    yield "large_claim", png(8000, 8000, 0, 1, rows)
    yield "bomb", png(600, 600, 0, 1, bytes(76 * 600))
    yield "no_palette", png(7, 5, 3, 8, rows)
    yield "index_beyond_palette", png(7, 5, 3, 8, rows, palette[:6])
    yield "transparency", png(7, 5, 3, 8, rows, palette, extra=chunk(b"tRNS", bytes(5)))
    yield "text_bomb", png(7, 5, 0, 8, rows, extra=chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(1 << 20), 9)))
    yield "profile_bomb", png(7, 5, 0, 8, rows, extra=chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(1 << 20), 9)))
    yield "unknown_critical", png(7, 5, 0, 8, rows, extra=chunk(b"ABCD", b"x"))
    yield "two_headers", good[:33] + good[8:]


def rle_seeds():
    def seed(height, width, text):
        return struct.pack(">HH", height, width) + text

    yield "zeros", seed(3, 4, b"<")
    yield "ones", seed(3, 4, b"0<")
    yield "columns", seed(3, 2, b"11110")
    yield "block", seed(10, 7, b"<5500000b0")
    yield "grid", seed(8, 8, b"0110000080H0000080H0000080H000008")
    yield "rows", seed(20, 30, b"[18<00000000000000000U;")
    yield "corners", seed(720, 1280, b"01noSl00")
    yield "davis", seed(480, 854, b"Tg\\4T3l;" + b"0" * 397 + b"ljU5")
    yield "polygon", seed(8, 9, b"b0351O00Nh0")
    yield "empty", seed(3, 4, b"")
    yield "nothing", b""
    yield "zero_size", seed(0, 4, b"0")
    yield "too_long", seed(2, 2, b"5")
    yield "too_short", seed(2, 2, b"3")
    yield "negative", seed(2, 2, b"@4")
    yield "endless", seed(2, 2, b"S" * 64)
    yield "unfinished", seed(2, 2, b"1S")
    yield "not_text", seed(2, 2, b"1\x80\xff")
    yield "zero_runs", seed(2, 2, b"0000000000000004")
    yield "largest", seed(65535, 65535, b"0")
    yield "wraps", seed(2, 2, b"PPPPPP4" * 4)


def container_seeds():
    def box(name, data):
        return struct.pack(">I", len(data) + 8) + name + data

    offsets = struct.pack(">IIIII", 0, 3, 40, 5000, 0xFFFFFF00)
    long_offsets = struct.pack(">IIQ", 0, 1, 1 << 33)
    yield "index", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stco", offsets) + box(b"co64", long_offsets)))))
    yield "index_overflows", box(b"stco", struct.pack(">III", 0, 1, 0xFFFFFFFF))
    yield "index_lies", box(b"stco", struct.pack(">III", 0, 0xFFFFFFFF, 1))
    yield "index_nested", box(b"trak", box(b"trak", box(b"trak", box(b"trak", box(b"trak", box(b"trak", b""))))))
    yield "index_empty_box", struct.pack(">I", 0) + b"trak"
    yield "jpeg", b"\xff\xd8\xff\xe0\0\4ab\xff\xda\0\4cd\1\xff\0\2\xff\xd0\3\xff\xd9"
    yield "jpeg_cut", b"\xff\xd8\xff\xe0\0\4ab\xff\xda\0\4cd\1\xff\0\2"
    yield "jpeg_long_segment", b"\xff\xd8\xff\xe0\xff\xff"
    yield "jpeg_padding", b"\xff\xd8" + b"\xff" * 9
    yield "jpeg_no_length", b"\xff\xd8\xff\xe0\0"
    yield "jpeg_zero_length", b"\xff\xd8\xff\xe0\0\0\xff\xd9"
    yield "png", png(2, 1, 0, 8, [b"\1\2"])
    yield "png_cut", png(2, 1, 0, 8, [b"\1\2"])[:-4]
    yield "png_long_chunk", b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT" + bytes(8)
    yield "webp", b"RIFF" + struct.pack("<I", 4) + b"WEBP"
    yield "webp_cut", b"RIFF\xff\xff\xff\xffWEBP"
    yield "bmp", b"BM" + struct.pack("<I", 6)
    yield "bmp_cut", b"BM\xff\xff"


def main():
    for name, seeds in {"png_labels": png_seeds(), "rle": rle_seeds(), "containers": container_seeds()}.items():
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        for seed, data in seeds:
            (folder / seed).write_bytes(data)


if __name__ == "__main__":
    main()
