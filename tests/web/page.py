#!/usr/bin/env python3
"""Drives the page of vos-serve in a real browser: page.py VOS_SERVE [--web-root DIR] [--only WORDS] [--shots DIR] [--soak].

Exits 77, saying why, where Chromium or Playwright is missing. VOS_BROWSER_PYTHON names the Python that has Playwright.
"""

import argparse
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
import zipfile
from pathlib import Path


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


try:
    from playwright.sync_api import sync_playwright
except ImportError:
    other = os.environ.get("VOS_BROWSER_PYTHON")
    if not other or os.environ.get("VOS_BROWSER_TRIED"):
        skip("no Playwright (pip install playwright; VOS_BROWSER_PYTHON names the Python that has it)")
    os.environ["VOS_BROWSER_TRIED"] = "1"
    os.execv(other, [other, *sys.argv])

chromium = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
if not chromium:
    skip("no Chromium")

FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
TOKEN = "a-token-for-this-test-alone"


class Server:
    """vos-serve with a state folder of its own; can be killed and started again at the same port."""

    def __init__(self, program, state, *options):
        self.program, self.state, self.options, self.port = program, state, options, 0
        self.start()

    def start(self):
        self.log = open(Path(self.state).parent / "server.log", "ab")
        self.process = subprocess.Popen([self.program, "--port", str(self.port), "--state", str(self.state), "--token", TOKEN, *self.options],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
                self.port = int(found[1])
                return
        raise SystemExit("vos-serve did not start: " + Path(self.log.name).read_text()[-2000:])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}/"

    def api(self, path, body=None, method=None):
        request = urllib.request.Request(self.address + "api/" + path, method=method or ("POST" if body else "GET"),
                                         headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}, data=json.dumps(body).encode() if body else None)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.loads(reply.read() or "{}")


def wait(page, condition, seconds=40, what=""):
    """Until an expression holds in the page. Not Playwright's own, which the page's CSP forbids."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if page.evaluate(f"() => !!({condition})"):
            return
        time.sleep(0.03)
    raise AssertionError(f"{what or condition} did not come about in {seconds} s; "
                         + page.evaluate("() => JSON.stringify({page: document.body.dataset.page, draft: document.getElementById('draft-text').textContent, link: document.body.dataset.link, said: document.getElementById('toasts').innerText})"))


class Person:
    """Somebody at the page, with a browser profile of their own."""

    def __init__(self, test, **options):
        self.server = test.server
        self.context = test.browser.new_context(viewport={"width": 1280, "height": 800}, **options)
        self.page = self.context.new_page()
        self.faults = []
        self.page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        self.page.on("console", lambda line: self.faults.append(line.text) if line.type == "error" and "Content Security" in line.text else None)
        test.people.append(self)

    def enter(self):
        self.page.goto(f"{self.server.address}?token={TOKEN}")
        self.page.wait_for_selector("body[data-page=start]")
        return self

    def sample(self, name):
        known = [one["name"] for one in self.server.api("server")["samples"]]
        self.page.click(f"#samples .card >> nth={known.index(name)}")
        wait(self.page, "vos.shown", what="the first picture")
        return self

    def at(self, x, y):
        """Where a pixel of the frame lies in the window."""
        left, top, scale = self.page.evaluate("() => { const s = vos.stage, r = s.overlay.getBoundingClientRect(); return [r.left + s.view.x, r.top + s.view.y, s.view.scale]; }")
        return left + x * scale, top + y * scale

    def drag(self, x0, y0, x1, y1):
        mouse = self.page.mouse
        mouse.move(*self.at(x0 + 0.5, y0 + 0.5))
        mouse.down()
        mouse.move(*self.at((x0 + x1) / 2, (y0 + y1) / 2))
        mouse.move(*self.at(x1 + 0.5, y1 + 0.5))
        mouse.up()

    def box(self, x0, y0, x1, y1):
        self.page.keyboard.press("b")
        self.drag(x0, y0, x1, y1)
        self.accept()

    def accept(self):
        wait(self.page, "vos.draft && !vos.draft.finding && !vos.draft.empty", what="a preview")
        self.page.keyboard.press("Enter")
        wait(self.page, "!vos.draft", what="an accepted prompt")

    def play_to(self, index, seconds=90):
        self.page.evaluate("() => vos.connection.send(6, [0])")  # as fast as can be
        self.page.evaluate("() => vos.connection.send(2)")
        wait(self.page, f"vos.shown.index >= {index}", seconds)
        self.page.evaluate("() => vos.connection.send(3)")
        wait(self.page, "!vos.playback.playing")

    def seek(self, index):
        self.page.evaluate(f"() => vos.seek({index})")
        wait(self.page, f"vos.shown.index === {index}")

    def objects(self):
        return self.page.evaluate("() => vos.objects.map(({id, name, prompted, corrected}) => ({id, name, prompted, corrected}))")

    def plain(self):
        """Masks in full colour and nothing over them, one pixel of the frame on one of the screen: what is seen can be compared."""
        self.page.evaluate("""() => { Object.assign(vos.stage.looks, {opacity: 1, line: 0, labels: 'none', boxes: false, dim: 0});
            vos.select(0); vos.tools.choose('move'); vos.stage.view = {scale: 1, x: 0, y: 0, fitted: false}; vos.stage.redraw(); }""")
        time.sleep(0.4)

    def pixels(self):
        from PIL import Image
        self.page.mouse.move(5, 5)
        time.sleep(0.3)
        return Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")

    def colour_at(self, picture, x, y):
        return picture.getpixel(tuple(map(int, self.at(x, y))))

    def colours(self, picture):
        """A function from pixels of the frame to what is seen there."""
        left, top = self.at(0, 0)
        scale = self.page.evaluate("() => vos.stage.view.scale")
        return lambda x, y: picture.getpixel((int(left + (x + 0.5) * scale), int(top + (y + 0.5) * scale)))

    def done(self):
        assert not self.faults, self.faults
        self.context.close()


def near(one, other, by=12):
    return all(abs(a - b) <= by for a, b in zip(one, other))


def rgb(number):
    return number >> 16 & 255, number >> 8 & 255, number & 255


# --- the tests -----------------------------------------------------------------------------------------------------------


def asks_for_the_token_and_takes_the_right_one(t):
    person = Person(t)
    page = person.page
    page.goto(t.server.address)
    page.wait_for_selector("body[data-page=door]")
    page.fill("#token", "not-the-token-at-all")
    page.click("#door-form button")
    page.wait_for_selector("#door-error:visible")
    assert page.inner_text("#door-error").strip()
    page.fill("#token", TOKEN)
    page.click("#door-form button")
    page.wait_for_selector("body[data-page=start]")
    page.reload()
    page.wait_for_selector("body[data-page=start]")  # a cookie remembers
    assert TOKEN not in page.url
    person.done()


def follows_what_a_box_marks_and_paints_the_right_pixels(t):
    person = Person(t).enter().sample(t.sample)
    person.box(*t.box)
    assert [one["id"] for one in person.objects()] == [1], person.objects()
    person.play_to(12)
    person.plain()
    look = lambda: person.page.evaluate("() => ({index: vos.shown.index, objects: vos.shown.objects, colour: vos.colourOf(1), size: vos.stage.size, box: (({width, height}) => ({width, height}))(vos.stage.box)})")
    shown, picture = look(), person.pixels()
    while (again := look())["index"] != shown["index"]:  # a frame was still on its way when playback was stopped
        shown, picture = again, person.pixels()
    assert shown["objects"], "no mask in a frame that was followed"
    colour = person.colours(picture)
    is_object_at = lambda x, y: near(colour(x, y), rgb(shown["colour"]))
    if t.fake:  # its objects are boxes, two pixels to the right each frame
        o = shown["objects"][0]
        assert o["x0"] == t.box[0] + 2 * shown["index"], shown
        middle = ((o["x0"] + o["x1"]) // 2, (o["y0"] + o["y1"]) // 2)
        for x, y, seen in ((o["x0"] - 1, middle[1], False), (o["x0"], middle[1], True), (o["x1"] - 1, middle[1], True), (o["x1"], middle[1], False),
                           (middle[0], o["y0"] - 1, False), (middle[0], o["y0"], True), (middle[0], o["y1"] - 1, True), (middle[0], o["y1"], False)):
            assert is_object_at(x, y) == seen, (shown, x, y, seen)
    else:
        from PIL import Image
        answer = person.page.evaluate(f"async () => (await vos.connection.ask(21, [0, {shown['index']}, {shown['index']}])).address")
        with urllib.request.urlopen(urllib.request.Request(t.server.address.rstrip("/") + answer, headers={"Authorization": f"Bearer {TOKEN}"})) as reply:
            archive = zipfile.ZipFile(io.BytesIO(reply.read()))
        labels = Image.open(io.BytesIO(archive.read(next(name for name in archive.namelist() if name.endswith(".png")))))
        wrong = inside = outside = 0
        for y in range(0, min(labels.height, int(shown["box"]["height"])), 3):
            for x in range(0, min(labels.width, int(shown["box"]["width"])), 3):
                is_object = labels.getpixel((x, y)) == 1
                inside, outside = inside + is_object, outside + (not is_object)
                wrong += is_object_at(x, y) != is_object
        assert inside > 20 and outside > 20, (inside, outside)
        assert wrong == 0, f"{wrong} of {inside + outside} pixels are not as exported"
    person.done()


def a_tap_on_a_touch_screen_marks(t):
    person = Person(t, has_touch=True, is_mobile=True).enter()
    person.page.set_viewport_size({"width": 390, "height": 844})
    person.sample(t.sample)
    person.page.tap("#tool-click")
    x, y = person.at((t.box[0] + t.box[2]) / 2, (t.box[1] + t.box[3]) / 2)
    person.page.touchscreen.tap(x, y)
    wait(person.page, "vos.draft && !vos.draft.finding && !vos.draft.empty", what="a preview of what was tapped on")
    person.page.tap("#draft-accept")
    wait(person.page, "vos.objects.length === 1")
    person.page.tap("#objects-button")
    person.page.wait_for_selector("#panel.open")
    person.done()


def brush_and_polygon_draw_masks_and_a_draft_is_taken_back_part_by_part(t):
    person = Person(t).enter().sample(t.sample)
    page = person.page
    page.keyboard.press("p")
    person.drag(60, 60, 120, 100)
    person.drag(60, 140, 120, 120)
    wait(page, "vos.draft.strokes.length === 2")
    page.keyboard.press("Control+z")
    assert page.evaluate("() => vos.draft.strokes.length") == 1
    page.keyboard.press("Control+z")
    assert page.evaluate("() => vos.draft === null")
    page.keyboard.press("g")
    for x, y in ((200, 100), (300, 110), (280, 200), (210, 190)):
        page.mouse.click(*person.at(x, y))
    page.keyboard.press("Enter")
    wait(page, "!vos.draft && vos.objects.length === 1", what="an accepted polygon")
    person.done()


def a_correction_at_a_later_frame_changes_what_follows(t):
    person = Person(t).enter().sample(t.sample)
    person.box(*t.box)
    person.play_to(20)
    person.seek(10)
    person.page.click(".object .pick")
    x0, y0, x1, y1 = t.box
    person.box(x0 + 60, y0 + 40, x1 + 60, y1 + 40)
    wait(person.page, "vos.objects.length === 1 && vos.objects[0].prompted.length + vos.objects[0].corrected.length === 2")
    person.play_to(14)
    assert person.page.evaluate("() => vos.shown.answered")
    person.done()


def merge_split_remove_rename_and_undo(t):
    person = Person(t).enter().sample(t.sample)
    page = person.page
    person.box(*t.box)
    person.box(*t.other_box)
    wait(page, "vos.objects.length === 2")
    page.evaluate("() => vos.edits.rename(1, 'my \"dog\"', 0x12ab34)")
    wait(page, "vos.nameOf(1) === 'my \"dog\"' && vos.colourOf(1) === 0x12ab34")
    assert 'my "dog"' in page.inner_text("#list")
    page.evaluate("() => vos.edits.remove(2)")
    wait(page, "vos.objects.length === 1")
    page.click("#undo")
    wait(page, "vos.objects.length === 2")
    page.click("#redo")
    wait(page, "vos.objects.length === 1")
    page.click("#undo")
    wait(page, "vos.objects.length === 2")
    person.play_to(8)
    page.evaluate("() => vos.edits.split(1, vos.shown.index)")
    wait(page, "vos.objects.length === 3")
    page.evaluate("() => vos.edits.merge(3, 1)")
    wait(page, "vos.objects.length === 2")
    page.keyboard.press("Escape")
    page.evaluate("() => { for (let i = 0; i < 20; ++i) vos.edits.undo(); }")
    wait(page, "vos.objects.length === 0", what="nothing left after undoing all")
    person.done()


def an_export_is_downloaded(t):
    person = Person(t).enter().sample(t.sample)
    person.box(*t.box)
    person.play_to(5)
    person.page.click("#export")
    person.page.select_option("#dialog select", "3")
    with person.page.expect_download() as download:
        person.page.click("#dialog button.primary")
    download.value.save_as(t.folder / "export.json")
    text = (t.folder / "export.json").read_text()
    assert json.loads(text), "the session file is no JSON"
    person.done()


def a_clip_is_uploaded(t):
    if t.fake:
        return "the fake server takes no clips"
    from PIL import Image, ImageDraw
    frames = []
    for i in range(12):
        frame = Image.new("RGB", (160, 120), (30, 60, 40))
        ImageDraw.Draw(frame).rectangle([20 + 4 * i, 40, 60 + 4 * i, 80], fill=(220, 180, 60))
        frames.append(frame)
    clip = t.folder / "my clip.gif"
    frames[0].save(clip, save_all=True, append_images=frames[1:], duration=80, loop=0)
    person = Person(t).enter()
    person.page.set_input_files("#file", str(clip))
    wait(person.page, "vos.shown", what="the clip's first picture")
    assert person.page.inner_text("#source-name") == "my clip.gif"
    person.box(15, 35, 65, 85)
    person.play_to(8)
    assert person.page.evaluate("() => vos.shown.objects.length") == 1
    (t.folder / "no clip.mp4").write_bytes(b"this is no video at all" * 100)
    other = Person(t).enter()
    other.page.set_input_files("#file", str(t.folder / "no clip.mp4"))
    other.page.wait_for_selector("#start-error:visible")
    assert len(other.page.inner_text("#start-error")) > 10
    other.done()
    person.done()


def the_page_comes_back_when_the_server_was_killed(t):
    person = Person(t).enter().sample(t.sample)
    person.box(*t.box)
    person.play_to(6)
    person.page.keyboard.press("b")
    person.drag(*t.other_box)  # a draft that nobody has accepted
    wait(person.page, "vos.draft && !vos.draft.finding")
    t.server.kill()
    wait(person.page, "document.body.dataset.link !== 'open'")
    person.page.wait_for_selector("#lost:visible", timeout=30000)
    t.server.start()
    wait(person.page, "document.body.dataset.link === 'open'", 60)
    wait(person.page, "vos.objects.length === 1")
    assert person.page.evaluate("() => vos.owner && vos.draft && vos.draft.box !== null"), "the draft is lost"
    person.accept()
    wait(person.page, "vos.objects.length === 2")
    person.done()


def a_watcher_sees_the_same_and_changes_nothing(t):
    owner = Person(t).enter().sample(t.sample)
    session = owner.page.evaluate("() => vos.session")
    watch = owner.page.evaluate("() => vos.secrets.watch")
    watcher = Person(t)
    watcher.page.goto(f"{t.server.address}?session={session}&watch={watch}")
    wait(watcher.page, "vos.shown")
    assert not watcher.page.is_visible("#tools button >> nth=0")
    assert not watcher.page.is_visible("#undo")
    owner.box(*t.box)
    wait(watcher.page, "vos.objects.length === 1", what="the owner's object at the watcher")
    owner.play_to(10)
    wait(watcher.page, "vos.shown.index >= 10")
    watcher.page.evaluate("() => vos.seek(3)")  # looks back by itself
    wait(watcher.page, "vos.shown.index === 3")
    assert owner.page.evaluate("() => vos.shown.index") >= 10
    watcher.page.click("#edge")
    wait(watcher.page, "vos.shown.index >= 10")
    stranger = Person(t)
    stranger.page.goto(f"{t.server.address}?session={session}&watch=wrong")
    stranger.page.wait_for_selector("body[data-page=sorry]", timeout=30000)
    for person in (owner, watcher, stranger):
        person.done()


def a_slow_page_is_left_frames_out_and_catches_up(t):
    person = Person(t).enter().sample(t.sample)
    person.box(*t.box)
    person.page.evaluate("() => { vos.connection.send(6, [0]); vos.connection.send(2); }")
    person.page.evaluate("() => { const end = performance.now() + 3000; while (performance.now() < end); }")
    wait(person.page, "vos.playback.index > 0 && !vos.playback.playing || vos.shown.index > 30", 60)
    person.page.evaluate("() => vos.connection.send(3)")
    wait(person.page, "!vos.playback.playing")
    wait(person.page, "Math.abs(vos.shown.index - vos.playback.index) <= 1", what="the shown frame is the server's")
    person.done()


def a_lost_graphics_context_comes_back(t):
    person = Person(t).enter().sample(t.sample)
    person.box(*t.box)
    person.plain()
    o = person.page.evaluate("() => vos.shown.objects[0]")
    colour = rgb(person.page.evaluate("() => vos.colourOf(1)"))
    middle = ((o["x0"] + o["x1"]) / 2, (o["y0"] + o["y1"]) / 2)
    assert near(person.colour_at(person.pixels(), *middle), colour)
    person.page.evaluate("() => { globalThis.lost = vos.stage.gl.getExtension('WEBGL_lose_context'); lost.loseContext(); }")
    wait(person.page, "vos.stage.gl === null")
    person.page.evaluate("() => lost.restoreContext()")
    wait(person.page, "vos.stage.gl && !vos.stage.gl.isContextLost()")
    time.sleep(0.5)
    assert near(person.colour_at(person.pixels(), *middle), colour)
    person.done()


def a_browser_without_webgl2_is_told(t):
    person = Person(t)
    person.page.add_init_script("const get = HTMLCanvasElement.prototype.getContext; HTMLCanvasElement.prototype.getContext = function (kind, ...rest) { return kind === 'webgl2' ? null : get.call(this, kind, ...rest); };")
    person.page.goto(t.server.address)
    person.page.wait_for_selector("body[data-page=sorry]")
    assert "WebGL" in person.page.inner_text("#sorry")
    person.done()


def all_of_it_goes_by_keyboard(t):
    person = Person(t).enter()
    page = person.page
    page.focus("#samples .card >> nth=0")
    page.keyboard.press("Enter")
    wait(page, "vos.shown")
    page.keyboard.press("b")
    page.keyboard.press("k")  # in the middle; from there to the corners of the left object's box
    for keys, times in (("Shift+ArrowLeft", 20), ("Shift+ArrowUp", 1), ("Space", 1), ("Shift+ArrowRight", 12), ("Shift+ArrowDown", 7), ("Space", 1)):
        for _ in range(times):
            page.keyboard.press(keys)
    person.accept()
    wait(page, "vos.objects.length === 1")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    wait(page, "vos.shown.index === 1 && vos.shown.answered", what="the next frame, followed")
    page.keyboard.press("1")
    assert page.evaluate("() => vos.selected") == 1
    page.keyboard.press("h")
    assert page.evaluate("() => vos.hidden.has(1)")
    page.keyboard.press("h")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    page.keyboard.press("Delete")
    wait(page, "vos.objects.length === 0")
    page.keyboard.press("Control+z")
    wait(page, "vos.objects.length === 1")
    person.done()


def a_link_leads_to_its_moment(t):
    person = Person(t).enter().sample(t.sample)
    session = person.page.evaluate("() => vos.session")
    person.page.goto("about:blank")
    person.page.goto(f"{t.server.address}?session={session}#frame=17")
    wait(person.page, "vos.shown?.index === 17")
    person.page.evaluate("() => { location.hash = 'frame=4'; }")
    wait(person.page, "vos.shown?.index === 4")
    person.done()


def this_machines_camera_is_followed(t):
    person = Person(t, permissions=["camera"]).enter()
    person.page.click("#use-camera")
    wait(person.page, "vos.live && vos.shown && vos.shown.index > 5", 60, "pictures of the camera")
    if t.fake:
        person.done()
        return "the fake server follows nothing in a camera"
    wait(person.page, "vos.mayMark()")
    width, height = person.page.evaluate("() => [vos.stage.size.width, vos.stage.size.height]")
    person.box(width * 0.3, height * 0.3, width * 0.6, height * 0.7)
    wait(person.page, "vos.objects.length === 1")
    person.done()


def mark_many(person, columns, rows):
    """A grid of objects in one prompt, as a script would send it."""
    person.page.evaluate("""async ([columns, rows]) => {
        const {width, height} = vos.stage.size, w = 0.7 * width / columns, h = 0.7 * height / rows;
        for (let i = 0; i < columns * rows; ++i) {
            const x = width * (i % columns + 0.15) / columns, y = height * (Math.floor(i / columns) + 0.15) / rows;
            vos.core.mark({object: 0, clicks: [], strokes: [], polygons: [{erase: false, points: [x, y, x + w, y, x + w, y + h, x, y + h]}]});
        }
        await vos.connection.ask(10, [vos.shown.index, 0]);
    }""", [columns, rows])


def many_objects_are_drawn_in_time(t):
    person = Person(t).enter().sample(t.large)
    page = person.page
    mark_many(person, 11, 4)
    wait(page, "vos.objects.length === 44", 120)
    person.play_to(t.fake and 60 or 4, 300)
    figures = page.evaluate("() => ({...vos.measure(), size: vos.stage.size, heap: performance.memory?.usedJSHeapSize ?? 0})")
    print("    44 objects:", json.dumps(figures))
    assert figures["paint"]["median"] < 30 and figures["draw"]["median"] < 30, figures  # far above what is measured on a quiet machine
    person.done()


def readers_find_names_and_enough_contrast(t):
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        return "no axe-playwright-python"
    for scheme in ("dark", "light"):
        person = Person(t, color_scheme=scheme).enter()
        results = [("start", Axe().run(person.page))]
        person.sample(t.sample)
        person.box(*t.box)
        results.append(("work", Axe().run(person.page)))
        for place, result in results:
            wrong = [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in result.response["violations"] if one["impact"] in ("serious", "critical")]
            assert not wrong, f"{place}, {scheme}: {wrong}"
        person.done()
    return None


def memory_stays_bounded_over_a_long_stream(t):
    """An hour of 30 frames a second, as fast as they can be had: the clip goes round and round."""
    person = Person(t).enter().sample(t.sample)
    person.box(*t.box)
    wanted, shown, most = 108000 if t.soak else 600, 0, 0
    begin = time.monotonic()
    while shown < wanted and time.monotonic() - begin < (3600 if t.soak else 25):
        person.page.evaluate("() => { vos.seek(0); vos.connection.send(6, [0]); vos.connection.send(2); }")
        time.sleep(2)
        figures = person.page.evaluate("() => ({shown: vos.player.received, wasm: vos.core.memory(), heap: performance.memory?.usedJSHeapSize ?? 0})")
        shown, most = figures["shown"], max(most, figures["wasm"] + figures["heap"])
    print(f"    {shown} frames, {most / 1e6:.0f} MB at most")
    assert most < 300e6
    assert shown > 50
    person.done()


def takes_the_pictures_of_the_docs(t):
    """Only with --shots DIR."""
    from PIL import Image

    def keep(person, name):
        time.sleep(0.6)
        person.page.mouse.move(640, 3)
        picture = Image.open(io.BytesIO(person.page.screenshot())).convert("RGB")
        picture.save(t.shots / f"viewer-{name}.jpg", quality=82, optimize=True, progressive=True)

    def three(person):
        person.sample(t.docs_sample)
        person.page.evaluate("() => document.getElementById('toasts').replaceChildren()")
        for box in t.docs_boxes:
            person.box(*box)
        person.page.evaluate("() => document.getElementById('toasts').replaceChildren()")

    dark = Person(t, color_scheme="dark").enter()
    keep(dark, "start")
    three(dark)
    dark.play_to(40)
    dark.page.click(".object .pick >> nth=1")
    wait(dark.page, "vos.shown.index >= 40")
    keep(dark, "dark")
    print("    3 objects:", json.dumps(dark.page.evaluate("() => vos.measure()")))
    dark.play_to(100)
    dark.page.keyboard.press("Escape")
    time.sleep(1.5)
    if dark.page.is_enabled("#weak"):
        dark.seek(66)
        dark.page.keyboard.press("n")
        time.sleep(0.5)
    keep(dark, "flag")
    dark.done()
    light = Person(t, color_scheme="light").enter()
    keep(light, "start-light")
    three(light)
    light.play_to(30)
    light.page.keyboard.press("b")
    light.drag(*t.docs_boxes[0])
    keep(light, "light")
    light.page.keyboard.press("Escape")
    light.done()
    phone = Person(t, color_scheme="dark", has_touch=True, is_mobile=True, device_scale_factor=2).enter()
    phone.page.set_viewport_size({"width": 390, "height": 760})
    three(phone)
    phone.play_to(30)
    keep(phone, "phone")
    phone.done()
    crowd = Person(t, color_scheme="dark").enter().sample(t.large)
    mark_many(crowd, 18, 14) if t.finds_by_itself else mark_many(crowd, 11, 4)
    crowd.play_to(20, 300)
    keep(crowd, "44")
    print("    44 objects:", json.dumps(crowd.page.evaluate("() => vos.measure()")))
    crowd.done()


TESTS = [asks_for_the_token_and_takes_the_right_one, follows_what_a_box_marks_and_paints_the_right_pixels, a_tap_on_a_touch_screen_marks,
         brush_and_polygon_draw_masks_and_a_draft_is_taken_back_part_by_part, a_correction_at_a_later_frame_changes_what_follows,
         merge_split_remove_rename_and_undo, an_export_is_downloaded, a_clip_is_uploaded, a_watcher_sees_the_same_and_changes_nothing,
         a_slow_page_is_left_frames_out_and_catches_up, a_lost_graphics_context_comes_back, a_browser_without_webgl2_is_told,
         all_of_it_goes_by_keyboard, a_link_leads_to_its_moment, this_machines_camera_is_followed, many_objects_are_drawn_in_time,
         readers_find_names_and_enough_contrast, takes_the_pictures_of_the_docs, memory_stays_bounded_over_a_long_stream, the_page_comes_back_when_the_server_was_killed]


class Test:
    def __init__(self, arguments, folder, browser):
        self.folder, self.browser, self.people = folder, browser, []
        self.server = Server(arguments.serve, folder / "state", *(["--web-root", arguments.web_root] if arguments.web_root else []))
        self.soak, self.shots = arguments.soak, arguments.shots
        about = self.server.api("server")
        self.fake = about["version"] == "fake"
        self.finds_by_itself = about["version"] == "scripted"  # takes what lies under a mark, and each object once
        names = [one["name"] for one in about["samples"]]
        self.sample = "crossing" if "crossing" in names else names[0]
        self.large = next((name for name in ("large", "crowd") if name in names), names[-1])
        self.docs_sample = "occlusion" if "occlusion" in names else self.sample  # three objects, one of which hides
        self.docs_boxes = [(680, 76, 789, 198), (511, 203, 633, 310), (43, 321, 154, 432)]
        self.box, self.other_box = (27, 226, 259, 365), (660, 161, 802, 320)  # around the objects of `crossing`


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("serve")
    parser.add_argument("--only", default="")
    parser.add_argument("--web-root", default="")
    parser.add_argument("--shots", type=Path)
    parser.add_argument("--soak", action="store_true")
    arguments = parser.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        test = Test(arguments, Path(folder), browser)
        try:
            for one in TESTS:
                name = one.__name__.replace("_", " ")
                if arguments.only not in name or (bool(arguments.shots) != (one is takes_the_pictures_of_the_docs)) or (arguments.soak and one is not memory_stays_bounded_over_a_long_stream):
                    continue
                begin = time.monotonic()
                try:
                    skipped = one(test)
                    passed += 1  # one that skips is counted there again
                    print(f"{'[skipped]' if skipped else 'ok  '} {name}{': ' + skipped if skipped else ''} ({time.monotonic() - begin:.1f} s)", flush=True)
                except Exception as fault:  # each is reported, the others still run
                    failed += 1
                    print(f"FAIL {name}: {fault or traceback.format_exc()}", flush=True)
                for person in test.people:
                    try:
                        person.context.close()
                    except Exception:
                        pass
                test.people.clear()
                if test.server.process.poll() is not None:
                    test.server.start()
        finally:
            test.server.kill()
            browser.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
