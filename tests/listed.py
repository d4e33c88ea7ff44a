#!/usr/bin/env python3
"""Every *_test.cpp stands in meson.build: a test that nobody builds proves nothing."""

import sys
from pathlib import Path

here = Path(__file__).parent
listed = (here / "meson.build").read_text()
forgotten = [name for path in sorted(here.rglob("*_test.cpp")) if f"'{(name := str(path.relative_to(here)))}'" not in listed]
for name in forgotten:
    print(f"{name} is in none of the lists of tests/meson.build")
sys.exit(1 if forgotten else 0)
