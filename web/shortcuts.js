// The keyboard.
import { $, ask, make } from './ui.js';

const keys = [
  ['Space', 'play, pause'], ['← →', 'one frame; with Shift ten'], ['Home End', 'first, last frame'], ['N', 'next frame that needs you; Shift: the one before'],
  ['B', 'box'], ['C', 'click'], ['P', 'brush; Alt rubs out'], ['E', 'eraser'], ['G', 'polygon'], ['V', 'select and move'], ['[ ]', 'size of the brush'],
  ['Enter', 'accept the preview'], ['Esc', 'discard it; choose nothing'], ['A', 'a new object'], ['1 … 9', 'choose an object'],
  ['H', 'hide or show it'], ['S', 'show it alone'], ['F2', 'rename it'], ['Del', 'delete it'], ['T', 'track to the end'],
  ['M', 'masks on, off'], ['+ − 0', 'zoom in, out, fit'], ['Ctrl+Z', 'undo; with Shift redo'], ['K', 'a cursor moved by arrow keys; Space marks'], ['?', 'this list'],
];
export function help() {
  const rows = keys.flatMap(([name, text]) => [make('dt', {}, make('kbd', {}, name)), make('dd', {}, text)]);
  ask('Keyboard', [make('dl', { className: 'keys' }, ...rows)]);
}

export function listen(app) {
  const acts = {
    ' ': () => app.player.toggle(), ArrowLeft: (shift) => app.player.step(shift ? -10 : -1), ArrowRight: (shift) => app.player.step(shift ? 10 : 1), Home: () => app.player.seek(app.begin), End: () => app.player.seek(app.frames - 1),
    n: (shift) => app.weak(shift ? -1 : 1), b: () => app.tools.choose('box'), c: () => app.tools.choose('click'), p: () => app.tools.choose('brush'), e: () => app.tools.choose('eraser'),
    g: () => app.tools.choose('polygon'), v: () => app.tools.choose('move'), '[': () => app.tools.setRadius(app.tools.radius / 1.2), ']': () => app.tools.setRadius(app.tools.radius * 1.2 + 1),
    Enter: () => app.tools.accept(), a: () => $('new-object').click(), h: () => app.selected && app.hide(app.selected, !app.hidden.has(app.selected)),
    s: () => app.setSolo(app.solo ? 0 : app.selected), F2: () => app.owner && app.selected && app.panel.rename(app.selected), Delete: () => app.owner && app.selected && app.edits.remove(app.selected),
    t: () => app.owner && !app.live && app.edits.track(), m: () => { app.stage.looks.swipe = app.stage.looks.swipe > 0 ? 0 : 1; app.stage.redraw(); },
    '+': () => app.zoom(1.4), '=': () => app.zoom(1.4), '-': () => app.zoom(1 / 1.4), 0: () => { app.stage.fit(); app.clock(); },
    Escape: () => { if (app.tools.drawing || app.tools.cursor) app.tools.stopDrawing(); else if (app.draft) app.tools.discard(); else if ($('panel').classList.contains('open')) app.panel.open(false); else app.select(0); },
  };
  document.addEventListener('keydown', (event) => {
    if (event.key === '?' && !event.target.matches('input')) { help(); event.preventDefault(); return; }
    if (document.body.dataset.page !== 'work' || $('dialog').open || event.target.matches('input:not([type=range]), select')) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      if (key === 'z') { event.shiftKey ? app.edits.redo() : app.edits.undo(); event.preventDefault(); }
      if (key === 'y') { app.edits.redo(); event.preventDefault(); }
      return;
    }
    // A button that has the focus is pressed by these; the time line is moved by arrows like all else.
    if ((key === ' ' || key === 'Enter') && event.target.matches('button, [role=button]')) return;
    if (key.startsWith('Arrow') && event.target.matches('input')) return;
    if (/^[1-9]$/.test(key)) { const object = app.objects[key - 1]; if (object) app.select(object.id); return; }
    const act = acts[key];
    if (!act || event.altKey) return;
    act(event.shiftKey);
    event.preventDefault();
  });
}
