// Marks that nobody has accepted yet: the server says what they would mean, a person says whether that is right.
import { $, css } from './ui.js';

export class Drafts {
  #asked = false;
  #again = false;

  constructor(app) { this.app = app; }

  #open() {
    const { app } = this;
    if (app.draft) return app.draft;
    if (!app.mayMark() || !app.shown) return null;
    app.player.hold();
    app.draft = { index: app.shown.index, object: app.selected, colour: app.selected ? app.colourOf(app.selected) : 0x5aa2ff, name: '', box: null, clicks: [], strokes: [], polygons: [], order: [] };
    return app.draft;
  }
  add(kind, value) {
    const draft = this.#open();
    if (!draft) return;
    if (kind === 'box') { draft.order.push({ kind, before: draft.box }); draft.box = value; }
    else { draft[kind].push(value); draft.order.push({ kind }); }
    this.app.tools.refresh();
    this.preview();
  }
  /// Takes the last mark of the draft back. False where there is no draft.
  undo() {
    const { draft } = this.app, last = draft?.order.pop();
    if (!draft) return false;
    if (!last || !draft.order.length) { this.discard(); return true; }
    if (last.kind === 'box') draft.box = last.before;
    else draft[last.kind].pop();
    this.preview();
    this.app.stage.redraw();
    return true;
  }
  /// Asks what the marks mean; while one question is under way the newest waits.
  async preview() {
    if (this.#asked) { this.#again = true; return; }
    const { app } = this, { draft } = app;
    if (!draft || draft.busy) return;
    this.#asked = true;
    draft.finding = true;
    try {
      const answer = await app.edits.prompt(draft, true);
      if (app.draft === draft) {
        draft.empty = !answer.preview;
        app.stage.setPreview(answer.preview);
      }
    } catch (fault) {
      if (fault.code !== 'cancelled' && app.draft === draft) { draft.empty = true; app.stage.setPreview(null); app.complain(fault); }
    }
    draft.finding = false;
    this.#asked = false;
    this.app.tools.refresh();
    if (this.#again) { this.#again = false; this.preview(); }
  }
  async accept() {
    const { app } = this, { draft } = app;
    if (!draft || draft.busy || (draft.empty && !draft.finding)) return;
    draft.busy = true;
    this.app.tools.refresh();
    try {
      const answer = await app.edits.prompt(draft, false);
      if (app.draft === draft) this.#end();
      app.edits.accepted(draft, answer.objects);
    } catch (fault) {
      draft.busy = false;  // the marks stay: nothing is to be drawn twice
      this.app.tools.refresh();
      app.complain(fault);
    }
  }
  discard() {
    if (this.app.draft?.busy) return;
    this.#end();
  }
  #end() {
    const { app } = this;
    app.draft = null;
    app.core.clearPreview();
    app.stage.setPreview(null);
    this.app.tools.refresh();
    app.player.letGo();
    app.stage.redraw();
  }

  /// What the bar under the picture says.
  refresh() {
    const { app } = this;
    const { draft } = app;
    $('draft').hidden = !draft;
    if (!draft) return;
    $('draft').querySelector('.swatch').style.background = css(draft.colour);
    $('draft-text').textContent = draft.busy ? 'Following it…' : (draft.object ? `Correct ${app.nameOf(draft.object)}` : 'New object') +
      (draft.empty ? ': nothing found here' : draft.finding ? ' …' : '');
    $('draft-accept').disabled = !!draft.busy || (!!draft.empty && !draft.finding);
    $('draft-cancel').disabled = !!draft.busy;
  }
}
