// What a person changes: marks, masks, objects, and what is followed from where to where.
import { Body } from './core.js';
import { $, remembered, toast } from './ui.js';

const toTheEnd = 2 ** 40;

export class Edits {
  task = null;  // the request that takes long, to be given to Cancel

  constructor(app) { this.app = app; }

  prompt(draft, preview) {
    this.app.core.mark(draft);
    return this.app.connection.ask(Body.Prompt, [draft.index, preview ? 1 : 0]);
  }
  accepted(draft, ids) {
    const first = ids[0] ?? draft.object;
    this.app.core.doubt(draft.index + 1, toTheEnd);
    this.app.timeline.changed();
    this.app.say(`${draft.object ? 'Corrected' : 'Marked'} ${this.app.nameOf(first)}.`);
    if (!draft.object && !remembered.get('taught', false)) {
      remembered.set('taught', true);
      toast('Marked. Press Space to follow it.', { seconds: 6 });
    }
    this.app.fill();
  }
  async pasteMask(blob, id = this.app.selected) {
    if (!this.app.mayMark()) return;
    const { width, height } = this.app.stage.size;
    let image;
    try { image = await createImageBitmap(blob); } catch { toast('This is no picture that the browser can read.', { mend: 'Take a PNG: bright where the object is, black or clear elsewhere.', kind: 'error' }); return; }
    if (image.width !== width || image.height !== height) toast(`The mask has ${image.width}×${image.height} pixels, the video ${width}×${height}: it is scaled.`, { kind: 'warning' });
    const canvas = new OffscreenCanvas(width, height), pen = canvas.getContext('2d');
    pen.imageSmoothingEnabled = false;
    pen.drawImage(image, 0, 0, width, height);
    image.close();
    const object = id || Math.max(0, ...this.app.objects.map((one) => one.id)) + 1;
    if (!this.app.core.mask({ width, height, object, rgba: pen.getImageData(0, 0, width, height).data })) { toast('This mask is too large.', { kind: 'error' }); return; }
    const { index } = this.app.shown;
    if (await this.app.request(Body.Prompt, [index, 0])) { this.app.core.doubt(index + 1, toTheEnd); this.app.fill(); }
  }

  async edit(kind, numbers, words, doubtFrom = null) {
    const answer = await this.app.request(kind, numbers, words);
    if (!answer) return null;
    if (doubtFrom !== null) this.app.core.doubt(doubtFrom, toTheEnd);
    this.app.timeline.changed();
    this.app.fill();
    return answer;
  }
  undo() { if (!this.app.tools.undo() && this.app.owner) this.edit(Body.Undo, [], [], 0); }
  redo() { if (!this.app.draft && this.app.owner) this.edit(Body.Redo, [], [], 0); }
  rename(id, name, colour) { const object = this.app.byId.get(id); if (object) this.edit(Body.RenameObject, [id, object.category, colour], [name]); }
  remove(id) {
    const name = this.app.nameOf(id);
    this.edit(Body.RemoveObject, [id]).then((answer) => { if (answer) toast(`${name} is gone.`, { mend: 'Undo brings it back.', seconds: 5 }); });
  }
  merge(from, into) { this.edit(Body.MergeObjects, [from, into], [], 0); this.app.select(into); }
  async split(id, frame) { const answer = await this.edit(Body.SplitObject, [id, frame], [], frame); if (answer?.objects.length) this.app.select(answer.objects.at(-1)); }
  followBack(id, from) { this.long(Body.Propagate, [from, 0, id], 'Followed backwards.'); }
  track() { this.long(Body.Propagate, [this.app.shown?.index ?? 0, -1], 'Followed to the end.'); }
  async long(kind, numbers, done) {
    if (this.task) { toast('Something is already under way.', { seconds: 3 }); return null; }
    const answer = await this.app.request(kind, numbers, [], (number) => { this.task = number; });
    this.task = null;
    $('task').hidden = true;
    if (answer && done) toast(done, { seconds: 4 });
    this.app.fill();
    return answer;
  }
}
