#!/usr/bin/env python3
"""What each header of ours reaches, read from its #include lines.

    scan.py INCLUDE_DIR OUTPUT KIND...   writes a source that includes every header whose reach is among KINDs

The reach of a header is the heaviest library behind its includes: plain (none), wire (FlatBuffers), net (Boost and OpenSSL), serve (both), torch, or opencv,
which stands for libpng, simdjson and libzip too: a build has all of them or none. `#if VOS_OPENCV` blocks
do not count: they are how a header does without.
"""

import re
import sys
from pathlib import Path

LIBRARIES = {
    "opencv": re.compile(r"opencv2/"),
    "files": re.compile(r"png\.h|zip\.h|simdjson\.h"),
    "torch": re.compile(r"torch/|ATen/|c10/|caffe2/"),
    "beast": re.compile(r"boost/|openssl/"),
    "flatbuffers": re.compile(r"flatbuffers/|vos/wire/vos_generated"),
}
INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')


def includes(path, with_opencv=False):
    """The names that a header includes; those inside #if VOS_OPENCV only on request."""
    depth, skipped_at, names = 0, None, []
    for line in path.read_text().splitlines():
        directive = re.match(r"\s*#\s*(if\w*|else|elif|endif)\b(.*)", line)
        if directive and directive[1].startswith("if"):
            depth += 1
            if skipped_at is None and not with_opencv and re.fullmatch(r"\s*(defined\W*)?VOS_OPENCV\W*(//.*)?", directive[2]):
                skipped_at = depth
        elif directive and directive[1] in ("else", "elif") and skipped_at == depth:
            skipped_at = None
        elif directive and directive[1] == "endif":
            if skipped_at == depth:
                skipped_at = None
            depth -= 1
        if skipped_at is None and (found := INCLUDE.match(line)):
            names.append(found[1])
    return names


class Headers:
    def __init__(self, root, with_opencv=False):
        self.root, self.with_opencv, self._reach = Path(root), with_opencv, {}
        self.names = sorted(str(p.relative_to(root)) for p in Path(root).rglob("*.hpp"))

    def libraries(self, name):
        """The names of the LIBRARIES behind a header."""
        if name not in self._reach:
            self._reach[name] = set()  # a header that includes itself through others adds nothing
            found = set()
            for other in includes(self.root / name, self.with_opencv):
                found |= {library for library, pattern in LIBRARIES.items() if pattern.match(other)}
                if (self.root / other).is_file():
                    found |= self.libraries(other)
            self._reach[name] = found
        return self._reach[name]

    def reach(self, name):
        found = self.libraries(name)
        if found & {"opencv", "files"}:
            return "opencv"
        if "torch" in found:
            return "torch"
        if found >= {"beast", "flatbuffers"}:
            return "serve"
        return "net" if "beast" in found else "wire" if "flatbuffers" in found else "plain"


def main():
    root, output, *kinds = sys.argv[1:]
    headers = Headers(root)
    lines = [f"#include <{name}>\n" for name in headers.names if headers.reach(name) in kinds]
    text = "// Every header in every executable: what forgot to be inline is defined twice here.\n" + "".join(lines)
    output = Path(output)
    if not output.exists() or output.read_text() != text:
        output.write_text(text)


if __name__ == "__main__":
    main()
