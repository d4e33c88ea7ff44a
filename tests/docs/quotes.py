#!/usr/bin/env python3
"""quotes.py ROOT [--write]: code that a page quotes is the code that is built and run.

A page marks a quotation by a comment before its code block:

    <!-- quote: tests/seams/seams_test.cpp [tracker] -->      the lines between two `// [tracker]` lines
    <!-- quote: examples/track.cpp -->                        the whole file

This checks every mark; --write puts the present text in. It also checks that links between pages lead somewhere."""

import re
import sys
import textwrap
from pathlib import Path


def source(root, name, section):
    text = (root / name).read_text()
    if not section:
        return text.strip("\n")
    parts = re.split(rf"^ *// \[{re.escape(section)}\]\n", text, flags=re.M)
    if len(parts) != 3:
        raise SystemExit(f"{name}: expected two lines `// [{section}]`, found {len(parts) - 1}")
    return textwrap.dedent(parts[1].strip("\n"))


def main():
    root = Path(sys.argv[1])
    write = "--write" in sys.argv
    quote = re.compile(r"(<!-- quote: (\S+)(?: \[(\S+)\])? -->\n```\w*\n)(.*?)(^```$)", re.S | re.M)
    failed = passed = 0
    for page in sorted([*root.glob("*.md"), *root.glob("docs/**/*.md")]):
        text = page.read_text()
        fresh = quote.sub(lambda m: m[1] + source(root, m[2], m[3]) + "\n" + m[5], text)
        if write and fresh != text:
            page.write_text(fresh)
            text = fresh
        problems = [] if fresh == text else ["a quotation is not the source's present text (tests/docs/quotes.py . --write mends it)"]
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", re.sub(r"```.*?```", "", text, flags=re.S)):
            if "://" not in link and not link.startswith("mailto:") and not (page.parent / link).exists():
                problems.append(f"link to '{link}' leads nowhere")
        for problem in problems:
            print(f"{page.relative_to(root)}: {problem}")
        failed += bool(problems)
        passed += not problems
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
