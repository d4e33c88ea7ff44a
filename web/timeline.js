// A row for each object: where it shows, how sure the model is, where a person spoke, where it may have become another.
import { $, clamp, css, time } from './ui.js';
import { Flags } from './core.js';

const ruler = 20, row = 16;

export class TimeLine {
  first = 0;
  last = 1;          // frames in sight: [first,last)
  follow = true;     // live: the newest frame stays in sight
  #bars = document.createElement('canvas');
  #stale = true;     // the bars are older than what is known
  #timer = 0;
  #dirty = false;

  constructor(app) {
    this.app = app;
    this.box = $('rows');
    this.canvas = $('bars');
    this.pen = this.canvas.getContext('2d');
    new ResizeObserver(() => this.changed()).observe(this.box);
    this.box.addEventListener('scroll', () => this.redraw());
    this.box.addEventListener('pointerdown', (event) => this.#press(event));
    this.box.addEventListener('pointermove', (event) => this.#drag(event));
    for (const end of ['pointerup', 'pointercancel']) this.box.addEventListener(end, () => { this.dragging = false; });
    this.box.addEventListener('wheel', (event) => {
      if (event.ctrlKey || event.altKey) { event.preventDefault(); this.zoom(Math.exp(event.deltaY * 0.004), this.#frame(event)); }
      else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) { event.preventDefault(); this.shift((event.deltaX || event.deltaY) / this.width * (this.last - this.first)); }
    }, { passive: false });
  }

  reset() { this.first = 0; this.last = Math.max(this.app.frames, 1); this.follow = true; this.changed(); }
  get gutter() { return this.box.clientWidth < 600 ? 30 : 148; }
  get width() { return Math.max(this.box.clientWidth - this.gutter - 14, 40); }

  /// Results, objects or sizes have changed: bars are painted again, ten times a second at most.
  changed() {
    this.#stale = true;
    if (!this.#timer) this.#timer = setTimeout(() => { this.#timer = 0; this.redraw(); }, 100);
  }
  redraw() {
    if (this.#dirty) return;
    this.#dirty = true;
    requestAnimationFrame(() => { this.#dirty = false; this.#draw(); });
  }
  zoom(factor, about = this.app.shown?.index ?? this.first) {
    const span = clamp((this.last - this.first) * factor, 20, Math.max(this.app.frames, 20));
    const part = (about - this.first) / Math.max(this.last - this.first, 1);
    this.first = about - part * span;
    this.last = this.first + span;
    this.shift(0);
  }
  shift(frames) {
    const end = Math.max(this.app.frames, 20), begin = this.app.begin, span = Math.min(this.last - this.first, end - begin || 1);
    this.first = clamp(this.first + frames, begin, Math.max(begin, end - span));
    this.last = this.first + span;
    this.changed();
  }
  /// Keeps the shown frame in sight, and a stream's newest.
  reveal(index) {
    const span = this.last - this.first;
    if (this.app.live && this.follow) {
      const most = Math.max(this.app.frames, 1), wanted = clamp(most - this.app.begin, 250, 3000);
      this.last = Math.max(most, this.app.begin + wanted);
      this.first = this.last - wanted;
      this.#stale = true;
    } else if (index < this.first) this.shift(index - this.first - span / 10);
    else if (index >= this.last) this.shift(index - this.last + span / 10);
    this.redraw();
  }

  #frame(event) {
    const x = event.clientX - this.box.getBoundingClientRect().left - this.gutter;
    return clamp(Math.floor(this.first + x / this.width * (this.last - this.first)), this.app.begin, Math.max(this.app.frames - 1, 0));
  }
  #x(frame) { return this.gutter + (frame - this.first) / (this.last - this.first) * this.width; }
  #press(event) {
    const at = this.box.getBoundingClientRect(), y = event.clientY - at.top, x = event.clientX - at.left;
    if (x > this.box.clientWidth) return;
    const k = Math.floor((y - ruler + this.box.scrollTop) / row), object = y > ruler ? this.app.objects[k] : null;
    if (x < this.gutter) { if (object) this.app.select(object.id); return; }
    // A flag is larger than the frame that it stands on.
    const flag = object && this.#marks?.find((mark) => mark.row === k && mark.flags & Flags.suspect && Math.abs(this.#x(mark.frame + 0.5) - x) < 7);
    if (object) this.app.select(object.id, false);
    this.dragging = !flag;
    this.box.setPointerCapture(event.pointerId);
    this.app.seek(flag ? flag.frame : this.#frame(event));
  }
  #drag(event) { if (this.dragging) this.app.seek(this.#frame(event)); }

  #draw() {
    const { app, pen, canvas, box } = this, { objects } = app;
    if (!box.clientWidth) return;
    const rows = Math.max(objects.length, 1);
    box.style.setProperty('--rows', `${ruler + rows * row + 10}px`);
    $('rows-height').style.height = `${ruler + rows * row + 4}px`;
    const ratio = devicePixelRatio || 1, wide = box.clientWidth, high = box.clientHeight;
    if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(high * ratio)) {
      canvas.width = Math.round(wide * ratio);
      canvas.height = Math.round(high * ratio);
    }
    const first = Math.floor(this.first), last = Math.max(Math.ceil(this.last), first + 1), columns = Math.min(Math.round(this.width * ratio), Math.max(last - first, 1) * 8);
    if (this.#stale) this.#paint(first, last, columns, objects.length);
    const c = app.colours;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, wide, high);
    pen.imageSmoothingEnabled = false;
    pen.font = '11px system-ui, "Liberation Sans", sans-serif';
    pen.textBaseline = 'middle';
    const from = this.#x(first), length = this.#x(last) - from;
    pen.save();
    pen.beginPath();
    pen.rect(0, ruler, wide, high - ruler);
    pen.clip();
    for (let k = Math.max(0, Math.floor(box.scrollTop / row)); k < objects.length; ++k) {
      const y = ruler + k * row - box.scrollTop, object = objects[k];
      if (y > high) break;
      if (object.id === app.selected) { pen.fillStyle = c.soft; pen.fillRect(0, y, wide, row); }
      pen.fillStyle = css(object.colour);
      pen.globalAlpha = app.isShown(object.id) ? 1 : 0.35;
      pen.beginPath();
      pen.roundRect(10, y + 4, 8, 8, 2);
      pen.fill();
      if (this.gutter > 60) {
        pen.fillStyle = c.text;
        pen.fillText(this.#cut(app.nameOf(object.id), this.gutter - 34), 24, y + row / 2 + 0.5);
      }
      pen.fillStyle = c.raised;
      pen.globalAlpha = 1;
      pen.fillRect(this.gutter, y + 3, this.width, row - 6);
    }
    pen.beginPath();
    pen.rect(this.gutter, 0, this.width, high);
    pen.clip();
    for (let k = Math.max(0, Math.floor(box.scrollTop / row)); k < objects.length; ++k) {
      const y = ruler + k * row - box.scrollTop;
      if (y > high) break;
      if (this.#bars.height > k + 1) pen.drawImage(this.#bars, 0, k + 1, this.#bars.width, 1, from, y + 3, length, row - 6);
    }
    this.#drawMarks(high);
    pen.restore();
    this.#drawRuler(first, last, wide, from, length);
    if (app.shown) {
      const x = this.#x(app.shown.index + 0.5);
      if (x >= this.gutter - 1 && x <= this.gutter + this.width + 1) {
        pen.fillStyle = c.accent;
        pen.fillRect(x - 1, 0, 2, high);
        pen.beginPath();
        pen.moveTo(x - 6, 0); pen.lineTo(x + 6, 0); pen.lineTo(x + 6, 5); pen.lineTo(x, 11); pen.lineTo(x - 6, 5);
        pen.fill();
      }
    }
  }
  #cut(text, width) {
    const { pen } = this;
    if (pen.measureText(text).width <= width) return text;
    while (text.length > 1 && pen.measureText(`${text}…`).width > width) text = text.slice(0, -1);
    return `${text}…`;
  }
  #paint(first, last, columns, rows) {
    this.#stale = false;
    const { core } = this.app, bytes = core.bars(first, last, columns, rows);
    Object.assign(this.#bars, { width: columns, height: rows + 1 });
    const image = new ImageData(columns, rows + 1);
    image.data.set(bytes);
    this.#bars.getContext('2d').putImageData(image, 0, 0);
    const marks = core.marks(first, last);
    this.#marks = Array.from({ length: marks.length / 3 }, (_, i) => ({ row: marks[3 * i], frame: marks[3 * i + 1], flags: marks[3 * i + 2] }));
    // What the server lists counts where its frame's result is not here.
    const seen = new Set(this.#marks.map((mark) => `${mark.row} ${mark.frame}`));
    this.app.objects.forEach((object, k) => {
      for (const [frames, flags] of [[object.prompted, Flags.prompted], [object.corrected, Flags.corrected]])
        for (const frame of frames) if (!seen.has(`${k} ${frame}`)) this.#marks.push({ row: k, frame, flags });
    });
    this.app.weakChanged();
  }
  #marks = [];
  #drawMarks(high) {
    const { pen, app, box } = this;
    for (const { row: k, frame, flags } of this.#marks) {
      const x = this.#x(frame + 0.5), y = ruler + k * row - box.scrollTop + row / 2;
      if (y < 0 || y > high + row) continue;
      if (flags & Flags.suspect) {
        pen.strokeStyle = pen.fillStyle = app.colours.warn;
        pen.lineWidth = 2;
        pen.beginPath();
        pen.moveTo(x, y + 7); pen.lineTo(x, y - 7); pen.stroke();
        pen.beginPath();
        pen.moveTo(x, y - 8); pen.lineTo(x + 10, y - 4.5); pen.lineTo(x, y - 1); pen.fill();
      }
      if (flags & (Flags.prompted | Flags.corrected)) {
        pen.beginPath();
        pen.moveTo(x, y - 5); pen.lineTo(x + 5, y); pen.lineTo(x, y + 5); pen.lineTo(x - 5, y); pen.closePath();
        pen.fillStyle = flags & Flags.corrected ? app.colours.accent : '#fff';
        pen.strokeStyle = 'rgba(0,0,0,.75)';
        pen.lineWidth = 1.5;
        pen.fill();
        pen.stroke();
      }
    }
  }
  #drawRuler(first, last, wide, from, length) {
    const { pen, app } = this, c = app.colours;
    if (this.#bars.height > 0) pen.drawImage(this.#bars, 0, 0, this.#bars.width, 1, from, ruler - 4, length, 2);
    pen.fillStyle = c.muted;
    const span = last - first, fps = app.fps || 25;
    // Steps that are whole frames within a second, whole seconds beyond.
    const wanted = span / Math.max(this.width / 90, 1), frames = [1, 2, 5, 10].find((n) => n >= wanted);
    const seconds = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600].find((n) => n * fps >= wanted) || 7200;
    const step = frames && frames < fps / 2 ? frames : seconds * fps;
    for (let i = Math.ceil(first / step); i * step < last; ++i) {
      const x = this.#x(i * step);
      if (x < this.gutter) continue;
      pen.fillRect(x, ruler - 7, 1, 3);
      if (x < wide - 34) pen.fillText(step < fps / 2 ? String(Math.round(i * step)) : time(i * step / fps, step % fps ? 1 : 0), x + 3, 8);
    }
  }
}
