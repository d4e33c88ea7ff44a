// What each button does, and what is dropped or pasted on the picture.
import { $, dress, momentOf, toast } from './ui.js';
import { Body } from './core.js';
import { exportResults, facts, looks, share } from './dialogs.js';
import { help } from './shortcuts.js';

/// `home` goes back to the start.
export function wire(app, home) {
  const icons = { undo: 'undo', redo: 'redo', share: 'link', looks: 'sliders', help: 'help', play: 'play', first: 'first', back: 'previous', ahead: 'next', last: 'last', 'zoom-in': 'plus', 'zoom-out': 'minus' };
  for (const [id, name] of Object.entries(icons)) dress($(id), name);
  const acts = {
    home: () => { if (document.body.dataset.page !== 'start') home(); },
    undo: () => app.edits.undo(), redo: () => app.edits.redo(), play: () => app.player.toggle(), first: () => app.seek(app.begin), last: () => app.seek(app.frames - 1),
    back: () => app.player.step(-1), ahead: () => app.player.step(1), edge: () => app.player.edge(), track: () => app.edits.track(), weak: () => app.weak(),
    'zoom-in': () => app.zoom(1.4), 'zoom-out': () => app.zoom(1 / 1.4), 'zoom-fit': () => { app.stage.fit(); app.clock(); },
    'task-stop': () => { if (app.edits.task) app.connection.send(Body.Cancel, [app.edits.task]); },
    help: () => help(), share: () => share(app), export: () => exportResults(app), looks: () => looks(app), state: () => facts(app),
  };
  for (const [id, act] of Object.entries(acts)) $(id).addEventListener('click', act);
  $('speed').onchange = () => app.connection.send(Body.Speed, [Number($('speed').value)]);
  $('model').onchange = async () => {
    const name = $('model').value;
    if (await app.edits.edit(Body.ChooseModel, [], [name], 0)) { app.model = app.welcome.models.find((model) => model.name === name); app.welcome.model = name; } else $('model').value = app.welcome.model;
    app.tools.refresh();
  };
  const stage = $('stage');
  stage.addEventListener('dragover', (event) => event.preventDefault());
  stage.addEventListener('drop', (event) => { event.preventDefault(); const file = event.dataTransfer.files[0]; if (file?.type.startsWith('image/')) app.edits.pasteMask(file); else if (file) toast('A new clip is dropped on the start page.', { mend: 'Click on vos above to get there.' }); });
  document.addEventListener('paste', (event) => { const file = [...event.clipboardData?.files || []].find(({ type }) => type.startsWith('image/')); if (file && document.body.dataset.page === 'work') app.edits.pasteMask(file); });
  for (const name of ['dragover', 'drop']) document.addEventListener(name, (event) => event.preventDefault());
  addEventListener('hashchange', () => { const frame = momentOf(location.hash); if (frame >= 0 && app.connection) app.seek(frame); });
  addEventListener('beforeunload', (event) => { if (app.draft?.order.length) event.preventDefault(); });
}
