// What a person says with a pointer, or with keys: boxes, clicks, strokes, polygons. They gather in a draft.
import { $, css, dress, make, remembered } from './ui.js';
import { Drafts } from './drafts.js';

const kinds = [
  ['move', 'Select and move', 'V'], ['box', 'Box', 'B'], ['click', 'Click: this is it, this is not', 'C'],
  ['brush', 'Brush', 'P'], ['eraser', 'Eraser', 'E'], ['polygon', 'Polygon', 'G'],
];
const hints = {
  box: 'Drag a box around', click: 'Click on', brush: 'Paint over', eraser: 'Rub out parts of', polygon: 'Click the corners of',
};

export class Tools {
  current = 'box';
  radius = remembered.get('brush', 14);  // of the brush, in pixels of the screen
  cursor = null;                         // moved by keys
  #pointers = new Map();
  #act = null;                           // what the pointer is doing: {pan} or {box} or {stroke}
  #hover = null;
  #corners = [];                         // of the polygon that is being drawn

  constructor(app) {
    this.app = app;
    this.drafts = new Drafts(app);
    for (const [kind, hint, key] of kinds)
      $('tools').append(dress(make('button', { className: 'icon', id: `tool-${kind}`, onclick: () => this.choose(kind) }), kind, hint, key));
    const overlay = this.overlay = app.stage.overlay;
    overlay.addEventListener('pointerdown', (event) => this.#down(event));
    overlay.addEventListener('pointermove', (event) => this.#move(event));
    overlay.addEventListener('pointerup', (event) => this.#up(event));
    overlay.addEventListener('pointercancel', (event) => this.#cancel(event));
    overlay.addEventListener('pointerleave', () => { this.#hover = null; app.stage.redraw(); });
    overlay.addEventListener('contextmenu', (event) => event.preventDefault());
    overlay.addEventListener('dblclick', () => this.closePolygon());
    overlay.addEventListener('keydown', (event) => this.#key(event));
    overlay.addEventListener('wheel', (event) => {
      event.preventDefault();
      const at = overlay.getBoundingClientRect();
      app.stage.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.06 : 0.0022)), event.clientX - at.left, event.clientY - at.top);
    }, { passive: false });
    $('draft-accept').onclick = () => this.accept();
    $('draft-cancel').onclick = () => this.discard();
    $('brush-size').value = this.radius;
    $('brush-size').oninput = () => this.setRadius(Number($('brush-size').value));
    this.setRadius(this.radius);
  }

  choose(kind) {
    this.current = kind;
    this.#corners = [];
    this.cursor = null;
    this.refresh();
    this.app.stage.redraw();
  }
  setRadius(radius) {
    this.radius = Math.max(1, Math.min(120, Math.round(radius)));
    $('brush-size').value = this.radius;
    $('brush-value').textContent = this.radius;
    remembered.set('brush', this.radius);
    this.app.stage.redraw();
  }
  /// What the tools' buttons, the hint and the preview's bar say.
  refresh() {
    const { app } = this, usable = app.mayMark();
    for (const [kind] of kinds) {
      const button = $(`tool-${kind}`);
      button.setAttribute('aria-pressed', kind === this.current);
      button.disabled = kind !== 'move' && !usable;
    }
    const painting = this.current === 'brush' || this.current === 'eraser';
    $('brush-options').hidden = !painting || !app.owner;
    this.overlay.dataset.tool = this.current;
    this.overlay.style.cursor = this.current === 'move' ? 'grab' : painting ? 'none' : 'crosshair';
    const hint = app.owner && usable && this.current !== 'move' && !painting && !app.draft;
    $('hint').hidden = !hint;
    if (hint) {
      $('hint').textContent = app.selected ? `${hints[this.current]} ${app.nameOf(app.selected)} to correct it` : `${hints[this.current]} a new object` +
        (this.current === 'click' ? ' (right button: not this)' : this.current === 'polygon' && this.#corners.length > 2 ? ' · Enter closes' : '');
    }
    this.drafts.refresh();
  }

  // --- what becomes of marks -----------------------------------------------------------------------------------------------------
  #add(kind, value) { this.drafts.add(kind, value); }
  undo() { return this.drafts.undo(); }
  accept() {
    if (this.#corners.length > 2) this.closePolygon();
    return this.drafts.accept();
  }
  discard() {
    this.#corners = [];
    this.drafts.discard();
  }

  // --- the pointer --------------------------------------------------------------------------------------------------------------------
  #down(event) {
    const { app } = this;
    if (!app.shown) return;
    this.overlay.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const at = app.stage.toFrame(event);
    if (this.#pointers.size === 2) { this.#act = { pinch: this.#spread() }; app.stage.redraw(); return; }
    if (this.#pointers.size > 2) return;
    if (event.button === 1 || this.current === 'move' || !app.owner || !app.mayMark()) {
      this.#act = { pan: true, from: { x: event.clientX, y: event.clientY }, moved: false };
      return;
    }
    const other = event.button === 2 || event.altKey;
    if (this.current === 'click' || this.current === 'polygon') this.#act = { press: at, other };
    else if (this.current === 'box' && event.button === 0) this.#act = { box: at, to: at };
    else if (this.current === 'brush' || this.current === 'eraser')
      this.#act = { stroke: { radius: this.radius / app.stage.view.scale, erase: (this.current === 'eraser') !== other, points: [at.x, at.y] } };
    this.#hover = at;
    app.stage.redraw();
  }
  #move(event) {
    const { app } = this, at = app.stage.toFrame(event), last = this.#pointers.get(event.pointerId);
    this.#hover = at;
    if (last) this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const act = this.#act;
    if (act?.pinch) {
      const now = this.#spread(), box = this.overlay.getBoundingClientRect();
      app.stage.zoom(now.apart / act.pinch.apart, act.pinch.x - box.left, act.pinch.y - box.top);
      app.stage.pan(now.x - act.pinch.x, now.y - act.pinch.y);
      act.pinch = now;
    } else if (act?.pan && last) {
      if (Math.hypot(event.clientX - act.from.x, event.clientY - act.from.y) > 4) act.moved = true;
      if (act.moved) app.stage.pan(event.clientX - last.x, event.clientY - last.y);
    } else if (act?.box) act.to = at;
    else if (act?.stroke) {
      for (const part of event.getCoalescedEvents?.() || [event]) {
        const { points } = act.stroke, p = app.stage.toFrame(part);
        if (Math.hypot(p.x - points.at(-2), p.y - points.at(-1)) * app.stage.view.scale > 1.5) points.push(p.x, p.y);
      }
    }
    app.stage.redraw();
  }
  #up(event) {
    const { app } = this, act = this.#act;
    this.#pointers.delete(event.pointerId);
    if (act?.pinch) { if (!this.#pointers.size) this.#act = null; return; }
    this.#act = null;
    if (!act) return;
    const at = app.stage.toFrame(event);
    if (act.pan && !act.moved && event.button === 0) app.select(app.core.hit(at.x, at.y, 6 / app.stage.view.scale));
    else if (act.box) this.#box(act.box, at);
    else if (act.stroke) this.#add('strokes', act.stroke);
    else if (act.press && this.current === 'click' && app.stage.inside(at)) this.#add('clicks', { x: at.x, y: at.y, add: !act.other });
    else if (act.press && this.current === 'polygon') this.#corner(at);
    app.stage.redraw();
  }
  #cancel(event) {
    this.#pointers.delete(event.pointerId);
    this.#act = null;
    this.app.stage.redraw();
  }
  #spread() {
    const [a, b] = [...this.#pointers.values()];
    return { apart: Math.max(Math.hypot(a.x - b.x, a.y - b.y), 1), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  }
  #box(a, b) {
    const { app } = this, { width, height } = app.stage.size;
    const x0 = Math.max(0, Math.min(a.x, b.x)), y0 = Math.max(0, Math.min(a.y, b.y)), x1 = Math.min(width, Math.max(a.x, b.x)), y1 = Math.min(height, Math.max(a.y, b.y));
    // A mere click with the box in hand chooses what lies there.
    if ((x1 - x0) * app.stage.view.scale < 4 || (y1 - y0) * app.stage.view.scale < 4) {
      if (!app.draft) app.select(app.core.hit(a.x, a.y, 3 / app.stage.view.scale));
      return;
    }
    this.#add('box', [x0, y0, x1, y1]);
  }
  #corner(at) {
    const corners = this.#corners, { scale } = this.app.stage.view;
    if (corners.length > 2 && Math.hypot(at.x - corners[0].x, at.y - corners[0].y) * scale < 10) { this.closePolygon(); return; }
    corners.push(at);
    this.refresh();
  }
  closePolygon() {
    if (this.#corners.length < 3) return;
    // A double click has set the last corner twice.
    const corners = this.#corners.filter((p, i, all) => i === 0 || Math.hypot(p.x - all[i - 1].x, p.y - all[i - 1].y) > 0.5);
    this.#corners = [];
    if (corners.length > 2) this.#add('polygons', { erase: false, points: corners.flatMap(({ x, y }) => [x, y]) });
    this.app.stage.redraw();
  }
  get drawing() { return this.#corners.length > 0; }
  stopDrawing() { this.#corners = []; this.cursor = null; this.refresh(); this.app.stage.redraw(); }

  // --- without a pointer: K brings a cursor, arrows move it, Space marks ------------------------------------------------------------------
  #key(event) {
    const { app } = this;
    if (event.key.toLowerCase() === 'k' && !event.ctrlKey && app.mayMark()) {
      this.cursor = this.cursor ? null : { x: app.stage.size.width / 2, y: app.stage.size.height / 2, from: null };
      app.say(this.cursor ? 'Cursor in the middle of the picture. Arrow keys move it, with Shift further; Space marks.' : 'Cursor gone.');
    } else if (this.cursor && event.key.startsWith('Arrow')) {
      const step = (event.shiftKey ? 20 : 2) * Math.max(1, app.stage.size.width / 854);
      this.cursor.x += (event.key === 'ArrowRight') * step - (event.key === 'ArrowLeft') * step;
      this.cursor.y += (event.key === 'ArrowDown') * step - (event.key === 'ArrowUp') * step;
      app.say(`${Math.round(this.cursor.x)}, ${Math.round(this.cursor.y)}`);
    } else if (this.cursor && event.key === ' ') {
      const at = { x: this.cursor.x, y: this.cursor.y };
      if (this.current === 'box') {
        if (this.cursor.from) { this.#box(this.cursor.from, at); this.cursor.from = null; } else { this.cursor.from = at; app.say('First corner.'); }
      } else if (this.current === 'polygon') this.#corner(at);
      else if (this.current === 'click') this.#add('clicks', { ...at, add: !event.shiftKey });
      else if (this.current === 'move') app.select(app.core.hit(at.x, at.y, 3));
      else this.#add('strokes', { radius: this.radius / app.stage.view.scale, erase: this.current === 'eraser', points: [at.x, at.y] });
    } else return;
    event.preventDefault();
    event.stopPropagation();
    app.stage.redraw();
  }

  // --- what is seen of it ---------------------------------------------------------------------------------------------------------------
  draw(pen, place, scale) {
    const { draft } = this.app, act = this.#act;
    const line = (points, close) => {
      pen.beginPath();
      for (let i = 0; i + 1 < points.length; i += 2) pen.lineTo(...place(points[i], points[i + 1]));
      if (close) pen.closePath();
    };
    const twice = (width = 2) => {  // a dark line under a light one is seen on any ground
      pen.lineWidth = width + 2; pen.strokeStyle = 'rgba(0,0,0,.55)'; pen.stroke();
      pen.lineWidth = width; pen.strokeStyle = '#fff'; pen.stroke();
    };
    const box = (x0, y0, x1, y1) => { line([x0, y0, x1, y0, x1, y1, x0, y1], true); twice(1.5); };
    const stroke = ({ points, radius, erase }, alpha) => {
      pen.globalAlpha = alpha;
      pen.lineCap = pen.lineJoin = 'round';
      pen.lineWidth = 2 * radius * scale;
      pen.strokeStyle = erase ? '#ff5a4d' : css(this.app.draft?.colour ?? (this.app.selected ? this.app.colourOf(this.app.selected) : 0x5aa2ff));
      line(points.length > 2 ? points : [...points, points[0] + 0.01, points[1]]);
      pen.stroke();
      pen.globalAlpha = 1;
    };
    if (draft) {
      if (draft.box) box(...draft.box);
      if (draft.finding || draft.empty) for (const one of draft.strokes) stroke(one, 0.45);
      for (const { x, y, add } of draft.clicks) {
        const [px, py] = place(x, y);
        pen.beginPath();
        pen.arc(px, py, 6, 0, 7);
        pen.fillStyle = add ? '#22b573' : '#e5484d';
        pen.fill();
        pen.lineWidth = 2;
        pen.strokeStyle = '#fff';
        pen.stroke();
        pen.beginPath();
        pen.moveTo(px - 3, py);
        pen.lineTo(px + 3, py);
        if (add) { pen.moveTo(px, py - 3); pen.lineTo(px, py + 3); }
        pen.stroke();
      }
    }
    if (act?.box) box(act.box.x, act.box.y, act.to.x, act.to.y);
    if (this.cursor?.from) box(this.cursor.from.x, this.cursor.from.y, this.cursor.x, this.cursor.y);
    if (act?.stroke) stroke(act.stroke, 0.55);
    if (this.#corners.length) {
      line([...this.#corners, ...(this.#hover ? [this.#hover] : [])].flatMap(({ x, y }) => [x, y]));
      twice();
      for (const { x, y } of this.#corners) {
        const [px, py] = place(x, y);
        pen.fillStyle = '#fff';
        pen.fillRect(px - 3, py - 3, 6, 6);
      }
    }
    const spot = this.cursor || this.#hover;
    if (!spot || !this.app.owner) return;
    const [x, y] = place(spot.x, spot.y);
    if (this.current === 'brush' || this.current === 'eraser') {
      pen.beginPath();
      pen.arc(x, y, this.radius, 0, 7);
      twice(1);
    } else if (this.cursor) {
      pen.beginPath();
      pen.moveTo(x - 12, y); pen.lineTo(x + 12, y); pen.moveTo(x, y - 12); pen.lineTo(x, y + 12);
      twice(1.5);
    }
  }
}
