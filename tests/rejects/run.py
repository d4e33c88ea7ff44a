#!/usr/bin/env python3
"""run.py BUILD FLAGS_SOURCE REJECTS_DIR: each source in the folder must not compile, and the compiler must say what its first
line promises: `// expects: REGEX`. Without the lines that end in `// reject` the same source must compile, so that it is
refused for these and for nothing else."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from compile import Compiler, run_cases


def main():
    build, flags, folder = sys.argv[1:]
    compiler = Compiler(build, flags)

    def check(path):
        text = path.read_text()
        expects = re.match(r"// expects: (.+)\n", text)
        if not expects:
            return "the first line is not `// expects: REGEX`"
        status, messages = compiler(text)
        if status == 0:
            return "it compiles, and should not"
        if not re.search(expects[1], messages):
            return f"the compiler does not say /{expects[1]}/ but:\n{messages}"
        good = "".join(line + "\n" for line in text.splitlines() if "// reject" not in line)
        status, messages = compiler(good)
        return f"without its `// reject` lines it should compile:\n{messages}" if status else ""

    return run_cases(sorted(Path(folder).glob("*.cpp")), check)


sys.exit(main())
