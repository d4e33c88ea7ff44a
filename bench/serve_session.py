#!/usr/bin/env python3
"""serve_session.py LINK [SOURCE [BOX [FRAMES]]]: what a person at vos-serve waits for, and what a session costs.

LINK is what vos-serve prints. Milliseconds from a box to its mask (preview) and to the frame made anew and sent (prompt), frames
a second of following an object, bytes that the session holds. For the ratio to vos-infer, run that on the same clip:

    vos-serve --port 0 --input synthetic:crossing,frames=90,size=854x480
    bench/serve_session.py LINK input 20,220,290,400 60
    vos-infer --input synthetic:crossing,frames=60,size=854x480 --output /tmp/out --format png --json"""

import json
import statistics
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
import serve_client  # noqa: E402
import wire  # noqa: E402

HELLO, PROMPT, PROPAGATE, UNDO, FRAME, ANSWER = 1, 10, 15, 16, 65, 70


def main():
    link, source, box, frames = (sys.argv[1:] + ["input", "20,220,290,400", "60"][len(sys.argv) - 2:])[:4]
    url = urllib.parse.urlsplit(link)
    token = urllib.parse.parse_qs(url.query)["token"][0]

    def ask(path, body=None):
        headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        return json.loads(urllib.request.urlopen(urllib.request.Request(f"{url.scheme}://{url.netloc}{path}", data, headers)).read())

    made = ask("/api/sessions", {"source": source})
    server = serve_client.Connection(url, token)
    numbers = iter(range(1, 1 << 30))

    def until(kind, request=None):
        while True:
            found, answered, get, text, data = server.receive()
            if found == kind and request in (None, answered):
                if kind == ANSWER and get("", 0):
                    raise SystemExit(text(wire.fields(data, get("", 0))("", 2)))
                return

    def timed(kind, table):
        begin, request = time.perf_counter(), next(numbers)
        server.send(wire.build(kind, table, request))
        until(ANSWER, request)
        return 1000 * (time.perf_counter() - begin)

    server.send(wire.build(HELLO, (("H", 1), "serve_session.py", None, made["session"], made["resume"])))
    until(FRAME)
    mark = [(None, ("4f", *map(float, box.split(","))))]
    preview = statistics.median(timed(PROMPT, (("q", 0), mark, None, ("B", 1))) for _ in range(11))
    prompts = []
    for _ in range(5):
        prompts.append(timed(PROMPT, (("q", 0), mark)))
        timed(UNDO, ())
    timed(PROMPT, (("q", 0), mark))
    seconds = timed(PROPAGATE, (("q", 0), ("q", int(frames)))) / 1000
    print(f"preview {preview:.0f} ms, prompt {statistics.median(prompts):.0f} ms, {int(frames) / seconds:.1f} frames/s, "
          f"{ask('/api/sessions/' + made['session'])['bytes'] / 1e6:.0f} MB held")


if __name__ == "__main__":
    main()
