// The list of objects, and what can be done with one.
import { $, ask, css, dress, icon, make, menu } from './ui.js';
import { Flags } from './core.js';

export class Panel {
  #rows = new Map();
  #editing = 0;

  constructor(app) {
    this.app = app;
    $('new-object').onclick = () => { app.select(0); app.tools.choose(app.tools.current === 'move' ? 'box' : app.tools.current); app.stage.overlay.focus(); this.open(false); };
    $('show-all').onclick = () => { app.showAll(); };
    $('objects-button').onclick = () => this.open(!$('panel').classList.contains('open'));
  }
  open(open) {
    $('panel').classList.toggle('open', open);
    $('objects-button').setAttribute('aria-expanded', open);
  }

  /// The list has changed.
  refresh() {
    const { app } = this, { objects } = app;
    $('count').textContent = objects.length || '';
    $('count-phone').textContent = objects.length;
    $('empty').hidden = objects.length > 0;
    $('show-all').hidden = !app.hidden.size && !app.solo;
    const rows = new Map();
    for (const object of objects) {
      const line = this.#rows.get(object.id) || this.#make(object.id);
      rows.set(object.id, line);
      line.swatch.style.background = css(object.colour);
      line.name.textContent = app.nameOf(object.id);
      line.pick.setAttribute('aria-label', `Choose ${app.nameOf(object.id)}`);
      const hidden = app.hidden.has(object.id);
      dress(line.eye, hidden ? 'hidden' : 'eye', hidden ? `Show ${app.nameOf(object.id)}` : `Hide ${app.nameOf(object.id)}`);
      line.more.setAttribute('aria-label', `More about ${app.nameOf(object.id)}`);
      line.element.setAttribute('aria-current', object.id === app.selected);
      line.element.classList.toggle('off', !app.isShown(object.id));
    }
    const order = objects.map(({ id }) => rows.get(id).element), list = $('list');
    if (order.length !== list.children.length || order.some((element, i) => list.children[i] !== element)) list.replaceChildren(...order);
    this.#rows = rows;
    this.facts();
  }
  /// What each object is in the shown frame.
  facts() {
    const { app } = this, now = new Map((app.shown?.objects || []).map((object) => [object.id, object]));
    const pixels = app.stage.size.width * app.stage.size.height;
    const masks = app.core.masks(), anchors = masks && masks.anchors ? app.core.anchors(masks) : null;
    let i = 0;
    const areas = new Map();
    if (anchors) for (const object of app.shown.objects) areas.set(object.id, anchors[3 * i++ + 2]);
    for (const { id } of app.objects) {
      const line = this.#rows.get(id), object = now.get(id);
      if (!line) continue;
      const parts = [];
      const kind = app.categories[app.byId.get(id)?.category];
      if (kind) parts.push(kind);
      if (!object) parts.push('not in this frame');
      else if (object.lost) parts.push('out of sight');
      else {
        if (areas.get(id)) parts.push(`${(100 * areas.get(id) / pixels).toFixed(1)} %`);
        parts.push(`sure ${Math.round(100 * object.score)}`);
      }
      const suspect = object && object.flags & Flags.suspect;
      const text = parts.join(' · ') + (suspect ? '!' : '');
      if (line.text === text) continue;
      line.text = text;
      line.facts.replaceChildren(suspect ? make('span', { className: 'warn' }, 'another object? ') : '', parts.join(' · '));
    }
  }

  #make(id) {
    const { app } = this;
    const line = { swatch: make('i', { className: 'swatch' }), name: make('span', { className: 'name' }), facts: make('small') };
    line.pick = make('button', { className: 'pick', onclick: () => app.select(app.selected === id ? 0 : id), ondblclick: () => app.owner && this.rename(id) }, line.name, line.facts);
    line.eye = make('button', { className: 'icon', onclick: (event) => (event.altKey ? app.setSolo(id) : app.hide(id, !app.hidden.has(id))) });
    line.more = dress(make('button', { className: 'icon', 'aria-haspopup': 'menu', onclick: () => this.#menu(id, line.more) }), 'more', 'More');
    line.element = make('li', { className: 'object' }, line.swatch, line.pick, make('span', { className: 'group' }, line.eye, line.more));
    line.element.dataset.id = id;
    return line;
  }
  #menu(id, anchor) {
    const { app } = this, frame = app.shown?.index ?? 0, object = app.byId.get(id);
    const mine = app.owner;
    menu(anchor, [
      { text: app.solo === id ? 'Show the others too' : 'Show it alone', key: 'S', act: () => app.setSolo(app.solo === id ? 0 : id) },
      { text: 'Go to its first frame', off: !(object?.first >= 0), act: () => app.seek(object.first) },
      ...(mine ? [null,
        { text: 'Rename…', key: 'F2', act: () => this.rename(id) },
        { text: 'Same object as…', off: app.objects.length < 2, act: () => this.merge(id) },
        { text: `Another object from frame ${frame} on`, off: !app.shown?.objects.some((one) => one.id === id), act: () => app.edits.split(id, frame) },
        { text: `Follow backwards from frame ${frame}`, off: app.live || frame < 1, act: () => app.edits.followBack(id, frame) },
        null,
        { text: 'Delete', key: 'Del', danger: true, act: () => app.edits.remove(id) }] : []),
    ]);
  }
  async rename(id) {
    const { app } = this, object = app.byId.get(id);
    if (!object || this.#editing) return;
    this.#editing = id;
    const name = make('input', { type: 'text', value: object.name, maxLength: 80, placeholder: app.nameOf(id) });
    const colour = make('input', { type: 'color', value: css(object.colour) });
    const form = make('form', { method: 'dialog', onsubmit: (event) => { event.preventDefault(); $('dialog').close('yes'); } },
      make('label', {}, 'Name', name), make('label', {}, 'Colour', colour));
    const shown = ask('Rename object', [form], [['Cancel', ''], ['Rename', 'yes', 'primary']]);
    name.select();
    if (await shown === 'yes') app.edits.rename(id, name.value.trim(), parseInt(colour.value.slice(1), 16));
    this.#editing = 0;
  }
  async merge(id) {
    const { app } = this;
    const others = app.objects.filter((object) => object.id !== id);
    const buttons = others.map((object) => {
      const swatch = make('i', { className: 'swatch' });
      swatch.style.background = css(object.colour);
      return make('button', { onclick: () => $('dialog').close(String(object.id)) }, swatch, app.nameOf(object.id));
    });
    const picked = await ask(`${app.nameOf(id)} is the same object as…`, [make('div', { className: 'cards' }, ...buttons)], [['Cancel', '']]);
    if (picked) app.edits.merge(id, Number(picked));
  }
}
