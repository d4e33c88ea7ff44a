#!/usr/bin/env python3
"""Writes the page's files into a C++ source: embed.py OUTPUT FILES... Each is served under its name; NAME=FILE gives it another."""

import sys
from pathlib import Path

output, *files = sys.argv[1:]
parts = ["// Made by web/embed.py from the files of the page.\n", "#include \"page_files.hpp\"\n\n", "namespace vos::serve {\nnamespace {\n"]
rows = []
for number, entry in enumerate(files):
    name, _, file = entry.rpartition("=")
    file = Path(file)
    data = file.read_bytes()
    parts.append(f"constexpr unsigned char file_{number}[] = {{\n")
    for at in range(0, len(data), 32):
        parts.append(",".join(map(str, data[at:at + 32])) + ",\n")
    parts.append("};\n")
    rows.append(f'      {{"/{name or file.name}", std::string{{content_type_of("/{name or file.name}")}}, file_{number}}},\n')
parts.append("}  // namespace\n\nconst std::vector<PageFile>& page_files() {\n  static const std::vector<PageFile> files{\n")
parts += rows
parts.append("  };\n  return files;\n}\n\n}  // namespace vos::serve\n")
Path(output).write_text("".join(parts))
