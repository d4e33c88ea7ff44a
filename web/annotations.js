// What stands over the picture: names, boxes, trails, and what a tool draws.
import { css } from './ui.js';
import { Flags } from './core.js';

export class Annotations {
  #trails = new Map();  // of each object, where it was in the last frames

  constructor(app, stage) { Object.assign(this, { app, stage, pen: stage.overlay.getContext('2d') }); }

  /// A frame is on the screen.
  remember(frame) {
    for (const { id, x0, y0, x1, y1, lost } of frame.objects) {
      const trail = this.#trails.get(id) || this.#trails.set(id, []).get(id);
      if (trail.length && Math.abs(trail.at(-1).index - frame.index) > 3) trail.length = 0;
      if (!lost && x1 > x0) trail.push({ index: frame.index, x: (x0 + x1) / 2, y: (y0 + y1) / 2 });
      if (trail.length > 60) trail.shift();
    }
    if (this.#trails.size > 256) this.#trails.clear();
  }

  draw() {
    const { pen, app } = this, { view, ratio, looks, box, frame } = this.stage;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, box.width, box.height);
    const place = (x, y) => [view.x + x * view.scale, view.y + y * view.scale];
    if (frame) {
      if (looks.trails) this.#drawTrails(place);
      if (looks.boxes) this.#drawBoxes(place);
      if (looks.labels !== 'none') this.#drawNames(place);
    }
    app.tools?.draw(pen, place, view.scale);
  }
  #drawTrails(place) {
    const { pen, app } = this;
    pen.lineWidth = 2;
    pen.lineCap = 'round';
    for (const { id } of this.stage.frame.objects) {
      const trail = this.#trails.get(id);
      if (!trail || trail.length < 2 || !app.isShown(id)) continue;
      pen.strokeStyle = css(app.colourOf(id));
      for (let i = 1; i < trail.length; ++i) {
        pen.globalAlpha = i / trail.length;
        pen.beginPath();
        pen.moveTo(...place(trail[i - 1].x, trail[i - 1].y));
        pen.lineTo(...place(trail[i].x, trail[i].y));
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
  }
  #drawBoxes(place) {
    const { pen, app } = this, { view } = this.stage;
    pen.lineWidth = 1.5;
    for (const object of this.stage.frame.objects) {
      if (object.lost || !app.isShown(object.id)) continue;
      pen.strokeStyle = css(app.colourOf(object.id));
      const [x, y] = place(object.x0, object.y0);
      pen.strokeRect(x, y, (object.x1 - object.x0) * view.scale, (object.y1 - object.y0) * view.scale);
    }
  }
  #drawNames(place) {
    const { pen, app } = this, { view } = this.stage, masks = app.core.masks();
    if (!masks || !masks.anchors) return;
    const anchors = app.core.anchors(masks), all = this.stage.frame.objects;
    pen.font = '600 12px system-ui, "Liberation Sans", sans-serif';
    pen.textBaseline = 'middle';
    const taken = [];
    const largest = all.map((object, i) => i).sort((a, b) => (anchors[3 * b + 2] || 0) - (anchors[3 * a + 2] || 0)).slice(0, 200);
    for (const i of largest) {
      const object = all[i];
      if (object.lost || !anchors[3 * i + 2] || !app.isShown(object.id)) continue;
      const chosen = object.id === app.selected;
      const text = app.labelOf(object, this.stage.looks.labels === 'ids');
      const width = pen.measureText(text).width + 10, height = 18;
      let [x, y] = place(anchors[3 * i], anchors[3 * i + 1]);
      const small = (object.x1 - object.x0) * view.scale < width + 8 && (object.y1 - object.y0) * view.scale < 40;
      if (small) [x, y] = [place((object.x0 + object.x1) / 2, 0)[0], place(0, object.y0)[1] - 12];
      x -= width / 2;
      y -= height / 2;
      // A name that would hide another is left out, unless its object is the chosen one.
      if (!chosen && taken.some((box) => x < box[0] + box[2] && x + width > box[0] && y < box[1] + height && y + height > box[1])) continue;
      taken.push([x, y, width]);
      const colour = app.colourOf(object.id);
      pen.globalAlpha = 0.92;
      pen.fillStyle = css(colour);
      pen.beginPath();
      pen.roundRect(x, y, width, height, 4);
      pen.fill();
      if (chosen || object.flags & Flags.suspect) {
        pen.strokeStyle = chosen ? '#fff' : '#ffd940';
        pen.lineWidth = 2;
        pen.stroke();
      }
      pen.globalAlpha = 1;
      const light = 299 * (colour >> 16 & 255) + 587 * (colour >> 8 & 255) + 114 * (colour & 255) > 135000;
      pen.fillStyle = light ? '#101216' : '#fff';
      pen.fillText(text, x + 5, y + height / 2 + 0.5);
    }
  }
}
