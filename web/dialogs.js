// Menus and dialogs: how objects look, how the connection does, a link to pass on, files to take away.
import { Body } from './core.js';
import { api } from './connection.js';
import { $, ask, bytes, make, menu, remembered, theme, toast } from './ui.js';

export function looks(app) {
  const shown = app.stage.looks;
  const keep = () => { remembered.set('looks', { ...shown, swipe: undefined }); app.stage.redraw(); };
  const range = (text, key, most, step) => make('label', { className: 'row' }, text, make('input', { type: 'range', min: 0, max: most, step, value: shown[key], oninput: (event) => { shown[key] = Number(event.target.value); keep(); } }));
  const check = (text, key) => make('label', { className: 'row check' }, text, make('input', { type: 'checkbox', checked: shown[key], onchange: (event) => { shown[key] = event.target.checked; keep(); } }));
  const choice = (text, value, options, act) => make('label', { className: 'row' }, text, make('select', { onchange: (event) => act(event.target.value) }, ...options.map(([key, name]) => make('option', { value: key, selected: key === value }, name))));
  menu($('looks'), [
    ...(document.body.dataset.page === 'work' ? [
      range('Fill', 'opacity', 1, 0.01), range('Outline', 'line', 5, 0.1), range('Dim rest', 'dim', 1, 0.01), range('Compare', 'swipe', 1, 0.005), null,
      choice('Labels', shown.labels, [['names', 'names'], ['ids', 'numbers'], ['none', 'none']], (value) => { shown.labels = value; keep(); }),
      check('Boxes', 'boxes'), check('Trails', 'trails'), null] : []),
    choice('Theme', remembered.get('theme', 'auto'), [['auto', 'as the system'], ['dark', 'dark'], ['light', 'light']], (value) => { remembered.set('theme', value); theme(); app.readColours(); }),
  ]);
}

export function facts(app) {
  const s = app.statistics, m = app.measure();
  const rows = [['Connection', { open: 'open', closed: 'broken', connecting: 'opening' }[document.body.dataset.link] || '?'], ['Shown', `${app.shownRate ?? 0} frames/s`], ['Received', `${bytes(app.rate ?? 0)}/s`],
    ['Latency', s ? `${Math.round(s.latency)} ms` : '–'], ['Server', s ? `${s.fps.toFixed(1)} frames/s` : '–'], ['Left out', `${s?.dropped ?? app.dropped ?? 0} frames`], ['Viewers', String(s?.viewers ?? 1)],
    ['Drawing', `${(m.paint.median + m.draw.median).toFixed(1)} ms`], ['Memory', bytes(m.wasm)]];
  menu($('state'), [make('div', { className: 'facts' }, ...rows.flatMap((row) => row.map((text) => make('span', {}, text))))]);
}

export async function share(app) {
  if (app.owner && !app.secrets.watch) {
    const about = await api(`/api/sessions/${encodeURIComponent(app.session)}`).catch(() => ({}));
    if (about.watch) app.secrets.watch = about.watch;
  }
  const url = new URL(location.href), frame = app.shown?.index;
  url.search = new URLSearchParams({ session: app.session, ...(app.secrets.watch ? { watch: app.secrets.watch } : {}) });
  url.hash = frame != null && !app.live ? `frame=${frame}` : '';
  let copied = true;
  try { await navigator.clipboard.writeText(url.href); } catch { copied = false; }
  if (copied) toast('Link copied.', { mend: app.secrets.watch ? 'Whoever opens it sees this session, and changes nothing.' : 'Whoever opens it needs the server’s token.', seconds: 5 });
  else {
    const field = make('input', { type: 'text', value: url.href, readOnly: true, onfocus: () => field.select() });
    ask('A link to this moment', [field]);
  }
}

export async function exportResults(app) {
  const kinds = [['png_zip', 'Masks as PNG, in a zip', 0], ['rle_json', 'Masks as JSON (COCO RLE)', 1], ['overlay_mp4', 'Video with masks (MP4)', 2], ['session', 'Session file, for vos-infer --session', 3]];
  const last = Math.max(app.frames - 1, 0);
  const kind = make('select', {}, ...kinds.map(([, text, value]) => make('option', { value }, text)));
  const from = make('input', { type: 'number', min: 0, max: last, value: app.begin }), to = make('input', { type: 'number', min: 0, max: last, value: last });
  const only = make('input', { type: 'checkbox' });
  for (const field of [from, to]) field.className = 'number';
  const picked = await ask('Export', [make('form', { onsubmit: (event) => { event.preventDefault(); $('dialog').close('yes'); } },
    make('label', {}, 'What', kind), make('label', {}, 'From frame', from), make('label', {}, 'To frame', to),
    app.selected ? make('label', { className: 'check' }, `Only ${app.nameOf(app.selected)}`, only) : '')], [['Cancel', ''], ['Export', 'yes', 'primary']]);
  if (picked !== 'yes') return;
  const answer = await app.edits.long(Body.Export, [kind.value, from.value, to.value, ...(only.checked ? [app.selected] : [])], '');
  if (!answer?.address) return;
  const link = make('a', { href: answer.address, download: '' });
  document.body.append(link);
  link.click();
  link.remove();
  toast('The file is on its way to your downloads.', { mend: answer.bytes ? bytes(answer.bytes) : '' });
}
