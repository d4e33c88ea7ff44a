#!/usr/bin/env python3
"""Makes the seeds of the fuzzers' corpora: small valid inputs and crafted hostile ones. Standard library only.

    python seeds.py        writes corpus/png_labels, corpus/rle and the others beside this file

Inputs that a fuzzer found lie there too, under names that begin with `found`, and are left alone; so are those of corpus/wire,
messages that the library wrote.
"""

import io
import pickle
import struct
import zipfile
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


def sized(height, width, text):
    return struct.pack(">HH", height, width) + text


def rle_seeds():
    yield "zeros", sized(3, 4, b"<")
    yield "ones", sized(3, 4, b"0<")
    yield "columns", sized(3, 2, b"11110")
    yield "block", sized(10, 7, b"<5500000b0")
    yield "grid", sized(8, 8, b"0110000080H0000080H0000080H000008")
    yield "rows", sized(20, 30, b"[18<00000000000000000U;")
    yield "corners", sized(720, 1280, b"01noSl00")
    yield "davis", sized(480, 854, b"Tg\\4T3l;" + b"0" * 397 + b"ljU5")
    yield "polygon", sized(8, 9, b"b0351O00Nh0")
    yield "empty", sized(3, 4, b"")
    yield "nothing", b""
    yield "zero_size", sized(0, 4, b"0")
    yield "too_long", sized(2, 2, b"5")
    yield "too_short", sized(2, 2, b"3")
    yield "negative", sized(2, 2, b"@4")
    yield "endless", sized(2, 2, b"S" * 64)
    yield "unfinished", sized(2, 2, b"1S")
    yield "not_text", sized(2, 2, b"1\x80\xff")
    yield "zero_runs", sized(2, 2, b"0000000000000004")
    yield "largest", sized(65535, 65535, b"0")
    yield "wraps", sized(2, 2, b"PPPPPP4" * 4)


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


def list_seeds():
    yield "davis_names", b"dbear\r\n# no\n camel \n"
    yield "davis_paths", b"d/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png 1\n/JPEGImages/480p/bear/00001.jpg\n"
    yield "davis_escapes", b"dbear\n../../etc\n"
    yield "davis_escapes_in_path", b"d/a/../../b/c.jpg\n"
    yield "davis_short_path", b"d/x.jpg\n"
    yield "davis_zero_byte", b"da\0b\n"
    yield "davis_long_line", b"d" + b"x" * 5000
    yield "davis_mark", b"d\xef\xbb\xbfbear"
    yield "meta_ytvos", b'm{"videos": {"a1": {"objects": {"1": {"category": "dog", "frames": ["00000", "00007"]}}}}}'
    yield "meta_mose", b'm{"videos": {"0a": {"length": 4, "height": 720, "width": 1280, "objects": {"1": {}, "2": 5}}}}'
    yield "meta_lvos", b'm{"videos": {"v": {"objects": {"1": {"frame_range": {"start": "00000", "end": 5, "frame_nums": 2}}}}}}'
    yield "meta_escapes", b'm{"videos": {"../a": {"objects": {}}}}'
    yield "meta_absolute", b'm{"videos": {"/etc": {}}}'
    yield "meta_id", b'm{"videos": {"a": {"objects": {"-1": {}}}}}'
    yield "meta_count", b'm{"videos": {"a": {"length": -9223372036854775808}}}'
    yield "meta_deep", b"m" + b'{"videos":' * 2000
    yield "meta_cut", b'm{"videos": {"a'
    yield "meta_twice", b'm{"videos": {"a": {}, "a": {}}}'
    yield "yolo", b"y1 0 0 0.5 0 0.5 0.5\n0 0 0 1 0 1 1 0.5 0.5\n"
    yield "yolo_box", b"y0 0.5 0.5 1 1\n"
    yield "yolo_numbers", b"y0 1e308 -1e308 1e-320 0x1 1 1\n0 inf 0 0 nan 1 1\n0 1e300 1e300 -1e300 1e300 1 1\n"
    yield "yolo_class", b"y99999999999 0 0 1 0 1 1\n-1 0 0 1 0 1 1\n"
    yield "yolo_far", b"y0 100000 0 -100000 0 0 100000\n"
    yield "names_inline", b"nnames: [a, 'b c', \"d\"]\n"
    yield "names_block", b"nnc: 2\nnames:\n  0: cat  # small\n  -7: dog\ntrain: x\n"
    yield "names_lines", b"nnames: {0: a,\n 1: b"
    yield "names_huge", b"nnames:\n  9223372036854775807: cat\n"
    yield "kind_videos", b'k{"info": {"videos": []}, "a\\"": "videos", "videos": ['
    yield "kind_closes", b"k}}}]]]"
    yield "size_jpeg", b"s\xff\xd8\xff\xe0\0\4ab\xff\xc0\0\x0b\x08\0\x10\0\x20\1\1\x11\0"
    yield "size_jpeg_no_length", b"s\xff\xd8\xff\xe0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"
    yield "size_png", b"s" + png(2, 1, 0, 8, [b"\1\2"])[:26]


def annotation_seeds():
    videos = '"videos":[{"id":1,"height":4,"width":5,"length":2,"file_names":["a/0.jpg","a/1.jpg"]}]'
    categories = '"categories":[{"id":1,"name":"cat"}]'

    def listed(masks, more=""):
        record = f'{{"id":1,"video_id":1,"category_id":1,"iscrowd":0,"segmentations":{masks}{more}}}'
        return f'{{{videos},{categories},"annotations":[{record}]}}'.encode()

    yield "text", listed('[{"size":[4,5],"counts":"5220003"},null]', ',"areas":[6,null]')
    yield "counts", listed('[null,{"size":[4,5],"counts":[5,2,2,2,2,2,5]}]')
    yield "polygons", listed("[[[0,0,4,0,4,3],[1,1,2,2]],null]")
    yield "escapes", listed('[{"size":[4,5],"counts":"\\\\u005c\\\\\\\\/"},null]')
    yield "huge_size", listed('[{"size":[100000,100000],"counts":"0"},null]')
    yield "short_list", listed("[null]")
    yield "not_integers", listed('[{"size":[4,5],"counts":[5.5,14.5]},null]')
    yield "no_video", listed("[null,null]").replace(b'"video_id":1', b'"video_id":2')
    yield "cut", listed('[{"size":[4,5],"counts":"522')[:150]
    rle = '{"size":[4,5],"counts":[5,2,2,2,2,2,5]}'
    yield "coco", (f'{{"images":[{{"id":1,"height":4,"width":5,"file_name":"a.jpg"}}],{categories},"annotations":[{{"id":1,'
                   f'"image_id":1,"category_id":1,"area":6.5,"iscrowd":1,"segmentation":{rle}}}]}}').encode()
    yield "results", b'[{"video_id":1,"category_id":1,"score":0.5,"segmentations":[null,{"size":[4,5],"counts":"5220003"}]}]'
    yield "long_video", (f'{{"videos":[{{"id":1,"height":1,"width":1,"length":1000000000}}],{categories},'
                         '"annotations":[{"id":1,"video_id":1,"category_id":1}]}').encode()
    yield "no_masks", (f'{{"videos":[{{"id":1,"height":1,"width":1,"length":1000000}}],{categories},'
                       '"annotations":[{"id":1,"video_id":1,"category_id":1},{"id":2,"video_id":1,"category_id":1}]}').encode()
    yield "empty_masks", listed("[]")
    yield "deep", b"[" * 2000
    yield "empty", b""
    yield "not_utf8", b'{"videos":[{"name":"\xff"}]}'


def mots_seeds():
    yield "two", b"0 1000 1 2 3 132\n0 2001 2 2 3 411\n7 10000 10 2 3 06\n"
    yield "overlap", b"4 1000 1 2 3 132\n4 2001 2 2 3 312\n"
    yield "five_words", b"0 1000 1 2 3\n"
    yield "wrong_class", b"0 2000 1 2 3 6\n"
    yield "large", b"0 1000 1 99999 99999 6\n"
    yield "twice", b"0 1000 1 2 3 132\n0 1000 1 2 3 6\n"
    yield "windows", b"0 1000 1 2 3 132\r\n\r\n"
    yield "sizes", b"0 1000 1 2 3 132\n0 1001 1 3 2 6\n"
    yield "minus", b"-1 1000 1 2 3 6\n"
    yield "zero_runs", b"0 1000 1 2 3 10500\n0 1001 1 2 3 132\n"


def polygon_seeds():
    yield "published", sized(8, 9, b"[[1.5,1.5,6,2,5,6.5,2,5]]")
    yield "box", sized(8, 9, b"[[1,1,3,2]]")
    yield "outside", sized(8, 9, b"[[-1e6,-1e6,1e6,-1e6,1e6,1e6]]")
    yield "infinite", sized(8, 9, b"[[1e400,1,2,3,4,5]]")
    yield "odd", sized(8, 9, b"[[1,2,3,4,5,6,7]]")
    yield "two", sized(40, 30, b"[[1,1,20,2,10,30],[5,5,25,5,25,25,5,25]]")
    yield "wide", sized(1, 65535, b"[[0,0,65535,1,0,1,65535,0]]")
    yield "none", sized(4, 4, b"[]")
    yield "unclosed", sized(4, 4, b"[[1,2,3,4,5,6")


def zip_seeds():
    def packed(files):
        to = io.BytesIO()
        with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files:
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
        return to.getvalue()

    def changed(data, at, to):
        return data[:at] + to + data[at + len(to):]

    good = packed([("judo/00000.png", b"not a png"), ("results.json", b"[]" * 40)])
    entry = good.index(b"PK\1\2")
    yield "two", good
    yield "climbs", packed([("../../etc/passwd", b"x")])
    yield "cut", good[:-30]
    yield "bomb", packed([("a", bytes(2000000))])
    yield "flipped", changed(good, 45, bytes([good[45] ^ 16]))
    yield "lies", changed(good, entry + 24, b"\xff\xff\xff\x7f")
    yield "locked", changed(good, entry + 8, bytes([good[entry + 8] | 1]))
    yield "empty", b""
    yield "no_files", packed([])
    yield "folder", packed([("a/", b"")])


def torch_zip_seeds():
    """A byte of choices (1: do not look at CRCs, 2: what follows is the tree, not the archive), then the file."""
    tree = (b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01ctorch._utils\n_rebuild_tensor_v2\nq\x02((X\x07\x00\x00\x00storageq\x03"
            b"ctorch\nFloatStorage\nq\x04X\x01\x00\x00\x000q\x05X\x03\x00\x00\x00cpuq\x06K\x06tq\x07QK\x00K\x02K\x03\x86q\x08"
            b"K\x03K\x01\x86q\t\x89ccollections\nOrderedDict\nq\n)Rq\x0btq\x0cRq\rs.")

    def packed(files, method=zipfile.ZIP_STORED, wide=False, streamed=False):
        to = io.BytesIO()
        if streamed:  # to where there is no going back: sizes and CRCs follow the bytes
            def seek(*_):
                raise io.UnsupportedOperation
            to.seek = seek
        with zipfile.ZipFile(to, "w") as archive:
            for name, data in files:
                info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                info.compress_type = method
                with archive.open(info, "w", force_zip64=wide) as entry:
                    entry.write(data)
        return to.getvalue()

    def changed(data, at, to):
        return data[:at] + to + data[at + len(to):]

    files = [("x/data.pkl", tree), ("x/byteorder", b"little"), ("x/data/0", bytes(range(24)))]
    good = packed(files)
    first, end = good.index(b"PK\1\2"), good.index(b"PK\5\6")
    yield "good", b"\0" + good
    yield "wide", b"\0" + packed(files, wide=True)
    yield "streamed", b"\0" + packed(files, streamed=True)
    yield "deflated", b"\0" + packed(files, method=zipfile.ZIP_DEFLATED)
    yield "torch", b"\0" + (CORPUS.parent.parent / "weights/golden/zip/buffer.pth").read_bytes()
    yield "tree", b"\3" + tree
    yield "cut", b"\0" + good[:-30]
    yield "comment", b"\0" + good[:-2] + b"\2\0ab"
    yield "wrong_crc", b"\0" + good.replace(bytes(range(24)), bytes(24))
    yield "unchecked", b"\1" + good.replace(bytes(range(24)), bytes(24))
    yield "overlaps", b"\1" + changed(good, first + 42, struct.pack("<I", 10))
    yield "beyond", b"\1" + changed(good, first + 20, b"\xff\xff\xff\x7f" * 2)
    yield "count_lies", b"\1" + changed(good, end + 8, b"\xff\xff\xff\xff")
    yield "twice", b"\1" + good.replace(b"x/byteorder", b"x/data.pkl!")
    yield "no_storage", b"\0" + packed(files[:2])
    yield "big_endian", b"\0" + packed([files[0], ("x/byteorder", b"big")])
    yield "script", b"\0" + packed([*files, ("x/constants.pkl", b"x")])
    yield "arrays", b"\0" + packed([("a.npy", b"\x93NUMPY")])
    yield "no_files", b"\0" + packed([])
    yield "safetensors", b"\0" + struct.pack("<Q", 53) + b'{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}xy'
    yield "legacy", b"\0\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
    yield "pickle", b"\0\x80\x02}q\x00."
    yield "early_pickle", b"\0(dp0\n."
    yield "page", b"\0  <!DOCTYPE html><html>"
    yield "pointer", b"\0version https://git-lfs.github.com/spec/v1\n"
    yield "index", b'\0{"weight_map":{}}'
    yield "empty", b"\0"


def safetensors_seeds():
    def file(header, data=b"", claimed=None):
        text = header.encode()
        return struct.pack("<Q", len(text) if claimed is None else claimed) + text + data

    def entry(name, dtype, shape, begin, end):
        return f'"{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}'.replace(" ", "")

    good = "{" + entry("a.weight", "F32", [2, 3], 0, 24) + "," + entry("a.bias", "BF16", [2], 24, 28) + "}   "
    yield "good", file(good, bytes(28))
    yield "metadata", file('{"__metadata__":{"format":"pt","note":"\\u00fc \\"x\\""},' + entry("s", "I64", [], 0, 8) + "}", bytes(8))
    yield "empty", file("{}")
    yield "zero_sizes", file("{" + entry("z", "F64", [3, 0], 0, 0) + "," + entry("", "F4", [4], 0, 2) + "}", bytes(2))
    kinds = ("BOOL 1", "U8 1", "I8 1", "I16 2", "U16 2", "F16 2", "I32 4", "U32 4", "U64 8", "C64 8", "F8_E5M2 1", "F8_E4M3 1", "F8_E8M0 1")
    texts, at = [], 0
    for kind in kinds:
        name, width = kind.split()
        texts.append(entry(name, name, [1], at, at + int(width)))
        at += int(width)
    yield "types", file("{" + ",".join(texts) + "}", bytes(at))
    yield "header_alone", good.encode() + b"\0" + bytes(28)
    yield "lies_alone", ("{" + entry("a", "F32", [-1, 1.5], 8, 0) + ',"b":[[[{"c":null}]]]}').encode()
    yield "long_header", file(good, bytes(28), claimed=2**63)
    yield "overlap", file("{" + entry("a", "U8", [4], 0, 4) + "," + entry("b", "U8", [4], 2, 6) + "}", bytes(6))
    yield "overflow", file("{" + entry("a", "F64", [2**32, 2**32], 0, 2**63) + "}", bytes(8))
    yield "twice", file("{" + entry("a", "U8", [1], 0, 1) + "," + entry("a", "U8", [1], 1, 2) + "}", bytes(2))


def text(value):
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def call(name, arguments=b""):
    module, _, name = name.rpartition(".")
    return f"c{module}\n{name}\n".encode() + b"(" + arguments + b"tR"


def storage(kind, key, elements, view=b""):
    return b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + elements + view + b"tQ"


def tensor(kind="FloatStorage", key="0", elements=b"K\6", view=b""):
    return call("torch._utils._rebuild_tensor_v2", storage(kind, key, elements, view) + b"K\0K\2K\3\x86K\3K\1\x86\x89" +
                call("collections.OrderedDict"))


def numpy_array(kind="f4", data=bytes(24), fortran=b"\x89", order="<"):
    dtype = call("numpy.dtype", text(kind) + b"K\0K\1") + b"(K\3" + text(order) + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    return call("numpy.core.multiarray._reconstruct", b"cnumpy\nndarray\nK\0\x85U\1b") + b"(K\1K\2K\3\x86" + dtype + fortran + data + b"tb"


def pickle_seeds():
    raw = b"U\x18" + bytes(range(24))
    tree = {"model": {"a": 1, "b": [2.5, None, True]}, "n": [2**70, -5, 300, 70000], "t": ("x", b"y", "\u00f6"), "s": {1}, "f": frozenset([2])}
    for protocol in range(6):
        yield f"tree_{protocol}", pickle.dumps(tree, protocol)
    yield "arrays", (b"}(" + text("a") + numpy_array(data=raw) + text("b") + numpy_array(data=raw, fortran=b"\x88") +
                     text("c") + numpy_array(">f4", raw, order=">") + text("d") + numpy_array("O8", b"]") + b"u.")
    yield "buffer", call("numpy._core.numeric._frombuffer", b"\x96\x04\0\0\0\0\0\0\0abcd" + call("numpy.dtype", text("i2") + b"\x89\x88") + b"K\2\x85" + text("C")) + b"."
    yield "scalar", call("numpy.core.multiarray.scalar", call("numpy.dtype", text("u8") + b"K\0K\1") + b"U\x08\xff\xff\xff\xff\xff\xff\xff\xff") + b"."
    yield "python2", b"(dp1\nS'a\\x41\\n'\np2\nV\\u00f6\np3\nsS\"b\"\nI01\nsg2\nF1.5\nsI7\nL99999999999999999999L\ns."
    yield "tensor_without_numbers", tensor() + b"."
    yield "empty_tensors", b"(" + tensor(elements=b"K\0").replace(b"K\2K\3\x86", b"K\0K\3\x86") + call(
        "torch._utils._rebuild_tensor_v3", storage("UntypedStorage", "1", b"K\0") + b"K\0K\0\x85K\1\x85\x88Nctorch\nuint16\n") + call(
        "torch._utils._rebuild_qtensor", storage("QInt8Storage", "2", b"K\0") + b"K\0K\0\x85K\1\x85(ctorch\nper_tensor_affine\nG?\xd0\0\0\0\0\0\0K\5t\x89N") + b"l."
    yield "parameter", call("torch._tensor._rebuild_from_type_v2", b"ctorch._utils\n_rebuild_parameter\nctorch.nn.parameter\nParameter\n(" +
                            tensor(elements=b"K\0").replace(b"K\2K\3\x86", b"K\0K\3\x86") + b"\x88Nt}") + b"."
    yield "containers", (b"(" + call("collections.OrderedDict", b"((K\1K\2t(K\3K\4tl") + call("collections.defaultdict", b"c__builtin__\nlist\n") +
                         call("collections.Counter", b"(K\1K\2d") + call("__builtin__.set", b"(K\1l") + call("_codecs.encode", text("\xff") + text("latin1")) +
                         call("copy_reg._reconstructor", b"cyacs.config\nCfgNode\nc__builtin__\ndict\n(K\1K\2d") + b"}b" +
                         call("copyreg.__newobj__", b"cargparse\nNamespace\n") + b"}" + text("lr") + b"K\1sb" +
                         b"(iargparse\nNamespace\n(cargparse\nNamespace\noctorch\nSize\n)\x85Rctorch\nfloat32\n" +
                         call("torch.device", text("cuda:1")) + b"c__builtin__\ncomplex\nG\0\0\0\0\0\0\0\0K\1\x86R" +
                         call("builtins.getattr", b"cmmengine.logging.history_buffer\nHistoryBuffer\n" + text("mean")) + b"l.")
    yield "unknown", b"cmy\nList\n)\x81(K\1K\2e" + b"cmy\nDict\n)\x81" + text("a") + b"K\1s}(" + text("_parameters") + b"}" + text("_modules") + b"}ub\x86."
    yield "dangerous", call("os.system", text("ls")) + b"."
    yield "itself", b"]q\0h\0a."
    yield "laughs", b"]" + (b"q\0](" + b"h\0" * 10 + b"e") * 12 + b"."
    yield "sizes", b"\x80\4\x95\xff\0\0\0\0\0\0\0X\xff\xff\xff\xff\x8d\xff\xff\xff\xff\xff\xff\xff\xff\x8b\xff\xff\xff\xff."
    yield "memo", b"Nr\xff\xff\xff\xffp4000000000\n0j\xff\xff\xff\xffg4000000000\n\x94\x86."
    yield "deep", b"(" * 100 + b"l" * 100 + b"."
    yield "empty", b""


def torch_legacy_seeds():
    machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2}}

    def saved(tree, keys, storages, protocol=2):
        head = b"".join(pickle.dumps(value, protocol) for value in (0x1950A86A20F9469CFC6C, 1001, machine))
        return head + tree + pickle.dumps(keys, protocol) + b"".join(struct.pack("<q", count) + raw for count, raw in storages)

    six = struct.pack("<6f", *range(6))
    one = b"}" + text("a") + tensor() + b"s."
    yield "one", saved(one, ["0"], [(6, six)])
    yield "protocol1", saved(one, ["0"], [(6, six)], 1)
    yield "protocol4", saved(one, ["0"], [(6, six)], 4)
    view = b"(" + text("1") + b"K\0K\6t"
    yield "two", saved(b"(" + tensor() + tensor("ByteStorage", "1") + tensor(view=view) + b"l.", ["0", "1"], [(6, six), (6, b"abcdef")])
    yield "few_numbers", saved(one, ["0"], [(6, six[:-1])])
    yield "other_count", saved(one, ["0"], [(2**60, six)])
    yield "twice", saved(one, ["0", "0"], [(6, six), (6, six)])
    yield "too_large", saved(one.replace(b"K\2K\3\x86", b"K\2K\4\x86"), ["0"], [(6, six)])
    yield "big_endian", saved(one, ["0"], [(6, six)]).replace(b"little_endian", b"Little_endian")
    yield "expanded", saved(one.replace(b"K\3K\1\x86", b"K\0K\0\x86").replace(b"K\2K\3\x86", b"J\0\0\0\x40J\0\0\0\x40\x86"), ["0"], [(6, six)])
    yield "other_magic", pickle.dumps(0x1950A86A20F9469CFC6D, 2)
    yield "tar", b"./storages".ljust(257, b"\0") + b"ustar".ljust(300, b"\0")


def mask_seeds():
    golden = CORPUS.parent.parent / "wire" / "golden" / "masks"
    frames = [(golden / f"masks_{i}.bin").read_bytes() for i in range(3)]
    overlapping = (golden / "masks_overlapping.bin").read_bytes()

    def stream(*messages):
        return b"b" + b"".join(struct.pack(">H", len(message)) + message for message in messages)

    yield "stream", stream(*frames)
    yield "overlapping", stream(overlapping)
    yield "no_base", stream(frames[1])
    yield "wrong_base", stream(frames[0], frames[2])
    yield "cut", stream(frames[0][:-3])
    yield "huge_claim", stream(b"\x10\0\0\xff\xff\3\xff\xff\3\0")
    yield "many_rows", stream(b"\x12\0\0\xff\xff\3\1\x80\1" + bytes(128))
    yield "other_form", stream(b"\x20" + frames[0][1:])
    yield "rows", b"r" + bytes([20, 40, 0, 3, 0, 60]) + bytes((i * 37 + 11) % 256 for i in range(120))
    yield "rows_overlapping", b"r" + bytes([20, 40, 9, 4, 1, 40]) + bytes((i * 91 + 5) % 256 for i in range(100))
    squares = [bytes(1 if 3 + t < x < 9 + t and 2 < y < 8 else 6 * (x > 12) for y in range(12) for x in range(16)) for t in (0, 1)]
    yield "maps", b"m" + bytes([15, 0]) + squares[0] + squares[1]
    yield "noise", b"m" + bytes([6, 200]) + bytes((i * i * 7 + 3) % 256 for i in range(98))


def main():
    for name, seeds in {"png_labels": png_seeds(), "rle": rle_seeds(), "containers": container_seeds(), "lists": list_seeds(),
                        "annotations": annotation_seeds(), "mots": mots_seeds(), "polygon": polygon_seeds(), "zip": zip_seeds(),
                        "torch_zip": torch_zip_seeds(), "safetensors": safetensors_seeds(), "pickle": pickle_seeds(),
                        "torch_legacy": torch_legacy_seeds(), "masks": mask_seeds()}.items():
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        for seed, data in seeds:
            (folder / seed).write_bytes(data)


if __name__ == "__main__":
    main()
