#!/usr/bin/env python3
"""Prints the library's version, as its header states it."""

import re
from pathlib import Path

print(re.search(r'version = "([^"]+)"', (Path(__file__).parent.parent / "include/vos/version.hpp").read_text())[1])
