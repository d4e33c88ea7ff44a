// The page: holds its parts together. What came, what is shown, what is asked of the server.
import { $, bytes, closeMenus, dress, make, momentOf, remembered, theme, time, toast } from './ui.js';
import { Body, Core } from './core.js';
import { api, Connection, Refused } from './connection.js';
import { Stage } from './stage.js';
import { Tools } from './tools.js';
import { TimeLine } from './timeline.js';
import { Panel } from './panel.js';
import { Player } from './player.js';
import { Edits } from './edits.js';
import { wire } from './controls.js';
import { listen } from './shortcuts.js';
import { door, show, sorry, Start } from './start.js';

class App {
  owner = false; live = false; fps = 25; frames = 0; begin = 0;
  categories = [];
  objects = []; byId = new Map();
  hidden = new Set(); solo = 0; selected = 0;
  draft = null;
  playback = { index: 0, frames: -1, playing: false, speed: 1 };
  colours = {};
  session = ''; connection = null; camera = null;
  statistics = null;     // what the server said last of itself
  dropped = 0;           // frames that it left out
  #fill = 0; #fillTimer = 0; #filling = false;
  #drawMs = []; #bytes = 0;

  constructor(core) {
    this.core = core;
    this.stage = new Stage(this, $('picture'), $('overlay'));
    this.player = new Player(this);
    this.edits = new Edits(this);
    this.tools = new Tools(this);
    this.panel = new Panel(this);
    this.timeline = new TimeLine(this);
    Object.assign(this.stage.looks, remembered.get('looks', {}), { swipe: 1 });
    wire(this, () => { this.leave(); history.replaceState(null, '', location.pathname); begin(); });
    listen(this);
    this.readColours();
    matchMedia('(prefers-color-scheme: light)').addEventListener('change', () => this.readColours());
    setInterval(() => this.#everySecond(), 1000);
  }
  get shown() { return this.player.shown; }
  seek(index) { this.player.seek(index); }
  redraw() { this.player.again(); }
  drawn() { this.#drawMs.push(this.stage.drawMs); if (this.#drawMs.length > 600) this.#drawMs.shift(); }
  /// What the page's own code costs in milliseconds, for tests and the curious.
  measure() {
    const of = (all) => { const sorted = [...all].sort((a, b) => a - b); return { median: sorted[sorted.length >> 1] ?? 0, p95: sorted[Math.floor(sorted.length * 0.95)] ?? 0, count: sorted.length }; };
    return { feed: of(this.connection?.feedMs || []), paint: of(this.player.paintMs), draw: of(this.#drawMs), wasm: this.core.memory(), ring: this.core.ringBytes() };
  }

  // --- the session -------------------------------------------------------------------------------------------------------------
  open(session, { watch = '', camera = null, frame = -1 } = {}) {
    this.leave();
    this.session = session;
    this.secrets = remembered.get('sessions', {})[session] || {};
    if (watch) this.secrets = { watch, watching: true };
    this.wantedFrame = frame;
    this.camera = camera;
    const query = new URLSearchParams(session ? { session, ...(watch ? { watch } : {}) } : {});
    history.replaceState(null, '', `${location.pathname}${query.size ? `?${query}` : ''}`);
    show('work');
    this.connection = new Connection(this.core, () => this.#hello(), { message: (kind, value) => this.#take(kind, value), state: (state, why) => this.#linked(state, why) });
    this.connection.open();
    this.stage.resize();
    this.stage.overlay.focus({ preventScroll: true });
  }
  leave() {
    this.connection?.close();
    this.connection = null;
    this.camera?.stop();
    this.camera = null;
    if (this.draft) { this.draft.busy = false; this.tools.discard(); }
    this.core.restart();
    this.objects = []; this.byId.clear(); this.hidden.clear();
    this.solo = this.selected = 0;
    this.player.reset();
    this.edits.task = null;
    this.#bytes = 0;
    this.#fill += 1;
    $('task').hidden = $('lost').hidden = true;
    closeMenus();
  }
  #hello() {
    const { resume = '', watch = '', watching = false } = this.secrets;
    return { numbers: [this.player.lastIndex, 1, 0], words: ['vos page', watching ? watch : '', this.session, watching ? '' : resume] };
  }
  #linked(state, why = {}) {
    document.body.dataset.link = state === 'ended' ? 'closed' : state;
    $('state-text').textContent = { connecting: 'connecting', open: 'connected', closed: 'not connected', ended: 'ended' }[state];
    if (state === 'open') {
      $('lost').hidden = true;
      this.player.connected();
      return;
    }
    if (state === 'closed' && why.tries > 1) {
      $('lost').hidden = false;
      $('lost-title').textContent = 'The connection is gone';
      $('lost-text').textContent = `Trying again${why.tries > 3 ? '. Is vos-serve still running?' : '…'} Nothing of your work is lost.`;
      if (why.tries === 3) this.#stillThere();
    }
    if (state === 'ended') {
      const back = { text: 'Back to the start', act: () => { location.href = location.pathname; } };
      const texts = {
        4401: ['This link does not open the session', 'Its secret, or the server’s token, is not right. Ask who sent it for a new one.'],
        4404: ['There is no such session', 'It may have ended, or the link was cut short.'],
        4409: ['Opened in another window', 'Somebody went on with this session elsewhere. Take it back, or leave it there.'],
        4410: ['This session has ended', 'Nobody used it for long, or it was deleted.'],
        4429: ['The server has no room for another session', 'End one that is no longer needed, or wait.'],
      };
      const [title, text] = texts[why.code] || ['The session has ended', why.reason || ''];
      const { session } = this;
      this.leave();
      sorry(title, text, why.code === 4409 ? { text: 'Go on here', act: () => this.open(session) } : back);
    }
  }
  async #stillThere() {
    try { await api('/api/server'); } catch (fault) {
      if (fault.status === 401 || fault.status === 403) { if (!this.secrets.watching) { await door(); show('work'); this.connection?.open(); } }
    }
  }

  // --- what comes -----------------------------------------------------------------------------------------------------------------
  #take(kind, value) {
    switch (kind) {
      case Body.FrameResult: return this.player.take(value);
      case Body.Welcome: return this.#welcome(value);
      case Body.ObjectList: return this.#list(value.objects);
      case Body.Playback: return this.#play(value);
      case Body.Progress: return this.#progress(value);
      case Body.Notice: return this.#notice(value);
      case Body.Statistics: this.statistics = value; return undefined;
      case Body.Dropped: this.dropped += value.frames; return undefined;
      default: return undefined;
    }
  }
  #welcome(welcome) {
    const { source = {} } = welcome;
    this.welcome = welcome;
    this.owner = welcome.owner;
    this.live = !!source.live;
    this.fps = source.fps > 0 ? source.fps : 25;
    this.frames = Math.max(source.frames || 0, 0);
    this.session = welcome.session || this.session;
    document.body.dataset.role = this.owner ? 'owner' : 'viewer';
    $('watching').hidden = this.owner;
    if (welcome.resume && this.owner) {
      const kept = remembered.get('sessions', {});
      this.secrets = kept[this.session] = { ...kept[this.session], resume: welcome.resume };
      remembered.set('sessions', kept);
      history.replaceState(null, '', `${location.pathname}?session=${encodeURIComponent(this.session)}`);
    }
    document.title = source.name ? `${source.name} · vos` : 'vos';
    $('source-name').textContent = $('source-name').title = source.name || 'Session';
    $('source-facts').textContent = [source.width > 0 && `${source.width}×${source.height}`, this.live ? 'live' : `${Number(this.fps.toFixed(2))} fps`, this.frames > 0 && `${this.frames} frames`].filter(Boolean).join(' · ');
    $('model').replaceChildren(...welcome.models.map(({ name }) => make('option', { value: name, selected: name === welcome.model }, name)));
    this.model = welcome.models.find(({ name }) => name === welcome.model);
    this.categories = this.model?.categories || [];
    $('track').hidden = this.live;
    $('edge').hidden = !this.live && this.owner;
    $('edge').textContent = this.live ? 'Live' : 'Follow';
    if (welcome.playback) this.#play(welcome.playback);
    this.timeline.reset();
    this.tools.refresh();
    if (this.camera && this.owner && !this.camera.runs) this.camera.run((index, seconds, picture) => this.connection?.send(Body.CameraFrame, [index, seconds], [], picture), () => !this.connection?.ready || this.connection.backlog > 100000);
    if (this.wantedFrame >= 0) { this.seek(this.wantedFrame); this.wantedFrame = -1; }
    this.fill(300);
  }
  #list(objects) {
    this.objects = objects;
    this.byId = new Map(objects.map((object) => [object.id, object]));
    if (this.selected && !this.byId.has(this.selected)) this.select(0);
    this.core.restyle();
    this.stage.restyle();
    this.panel.refresh();
    this.timeline.changed();
    this.tools.refresh();
    this.fill();
  }
  #play(playback) {
    const stopped = this.playback.playing && !playback.playing;
    this.playback = playback;
    if (playback.frames > 0) this.frames = Math.max(this.frames, playback.frames);
    dress($('play'), playback.playing ? 'pause' : 'play', playback.playing ? 'Pause' : 'Play');
    const option = [...$('speed').options].find(({ value }) => Math.abs(Number(value) - playback.speed) < 1e-3);
    if (option) option.selected = true;
    if (stopped) this.fill();
    this.clock();
  }
  #progress({ task, done, total, seconds_left: left }) {
    const over = total >= 0 && done >= total;
    $('task').hidden = over;
    if (over) { this.fill(); return; }
    const names = { propagate: 'Following objects', update: 'Following what has changed', step: 'Following', prompt: 'Looking at the frame', export: 'Writing the file' };
    $('task-text').textContent = `${names[task] || task || 'Working'} ${total > 0 ? `${done} of ${total}` : done}${left > 1 ? ` · ${time(left, false)} left` : ''}`;
    const bar = $('task').querySelector('progress');
    if (total > 0) { bar.max = total; bar.value = done; } else bar.removeAttribute('value');
    $('task-stop').hidden = !this.edits.task;
  }
  #notice({ severity, what, mend, index, code }) {
    const kind = ['event', 'warning', 'error'][severity] || 'event';
    const box = toast(what, { mend, kind });
    if (index >= 0) box.querySelector('div').append(make('button', { className: 'small', onclick: () => { this.seek(index); box.remove(); } }, `Go to frame ${index}`));
    if (code === 'ended') this.fill();
  }

  // --- the time line is filled: results that came before this page did, or were made anew -----------------------------------------------
  fill(delay = 400) {
    clearTimeout(this.#fillTimer);
    this.#fillTimer = setTimeout(() => this.#fillNow(), delay);
  }
  async #fillNow() {
    if (!this.connection?.ready || this.playback.playing || this.live || this.edits.task || this.#filling) return;
    const run = ++this.#fill, last = Math.max(...this.objects.map((object) => object.last), -1);
    this.#filling = true;
    try {
      for (let first = 0; first <= last && run === this.#fill; first += 250) {
        const end = Math.min(first + 249, last);
        await this.connection.ask(Body.Fetch, [first, end, 0]);
        if (run === this.#fill) this.core.forgetDoubted(first, end);
      }
      if (run === this.#fill) this.core.forgetDoubted(last + 1, 2 ** 40);
    } catch { /* the next change asks again */ }
    this.#filling = false;
    this.timeline.changed();
  }

  // --- what a person wants ------------------------------------------------------------------------------------------------------------
  async request(kind, numbers = [], words = [], started) {
    try { return await this.connection.ask(kind, numbers, words, started); } catch (fault) { this.complain(fault); return null; }
  }
  complain(fault) {
    if (!(fault instanceof Refused)) { console.error(fault); toast('Something went wrong in this page.', { mend: String(fault.message || fault), kind: 'error' }); return; }
    if (fault.code !== 'cancelled') toast(fault.message, { mend: fault.mend, kind: 'error' });
  }
  say(text) { $('stage-status').textContent = text; }
  mayMark() { return this.owner && !!this.shown && (this.model?.takes_prompts ?? true); }

  // --- how objects look -------------------------------------------------------------------------------------------------------------------
  select(id, reveal = true) {
    this.selected = this.selected === id && reveal && !id ? 0 : id;
    this.core.select(this.selected);
    this.#restyle();
    const row = reveal && id ? document.querySelector(`.object[data-id="${id}"]`) : null;
    row?.scrollIntoView({ block: 'nearest' });
    this.tools.refresh();
    if (id) this.say(`${this.nameOf(id)} chosen.`);
  }
  hide(id, hidden) {
    if (hidden) this.hidden.add(id); else this.hidden.delete(id);
    this.core.hide(id, hidden);
    this.#restyle();
  }
  setSolo(id) { this.solo = id; this.core.solo(id); this.#restyle(); }
  showAll() {
    for (const id of this.hidden) this.core.hide(id, false);
    this.hidden.clear();
    this.setSolo(0);
  }
  #restyle() {
    this.core.restyle();
    this.stage.restyle();
    this.panel.refresh();
    this.timeline.redraw();
  }
  isShown(id) { return this.solo ? id === this.solo : !this.hidden.has(id); }
  colourOf(id) { return this.byId.get(id)?.colour ?? 0x9aa3b1; }
  nameOf(id) { const name = this.byId.get(id)?.name; return name || `Object ${id}`; }
  labelOf(object, idsOnly) {
    const name = this.byId.get(object.id)?.name || this.categories[object.category];
    return !idsOnly && name ? `${object.id} ${name}` : String(object.id);
  }
  weakChanged() {
    const count = this.core.weakCount();
    $('weak-count').textContent = count;
    $('weak').classList.toggle('some', count > 0);
    $('weak').disabled = count === 0;
  }
  weak(step = 1) {
    const from = this.shown?.index ?? -1;
    const spot = this.core.weak(from, step) || this.core.weak(step > 0 ? -1 : 2 ** 40, step);
    if (!spot) { toast('No frame needs you.', { seconds: 3 }); return; }
    this.seek(spot.frame);
    this.select(spot.id);
    const why = ['', 'may be another object from here on', 'is lost here', 'is no longer sure'][spot.kind];
    toast(`${this.nameOf(spot.id)} ${why}.`, { mend: spot.kind === 1 ? 'Right if so: go on. If not, mark it again here, or give it another number from here on.' : 'If it is still there, mark it again here.', kind: 'warning' });
  }

  readColours() {
    const style = getComputedStyle(document.documentElement), of = (name) => style.getPropertyValue(`--${name}`).trim();
    const stage = of('stage');
    this.colours = { text: of('text'), muted: of('muted'), raised: of('raised'), accent: of('accent'), warn: of('warn'), soft: of('accent-soft'),
      stage: [1, 3, 5].map((i) => parseInt(stage.slice(i, i + 2), 16) / 255) };
    this.stage.redraw();
    this.timeline.redraw();
  }
  clock() {
    const index = this.shown?.index ?? this.playback.index, most = this.live ? '' : this.frames > 0 ? ` / ${this.frames - 1}` : '';
    $('clock').replaceChildren(time(this.shown?.seconds ?? index / this.fps), ' ', make('small', {}, `frame ${Math.max(index, 0)}${most}`));
    const rows = $('rows');
    rows.setAttribute('aria-valuemax', Math.max(this.frames - 1, 0));
    rows.setAttribute('aria-valuenow', Math.max(index, 0));
    rows.setAttribute('aria-valuetext', `frame ${Math.max(index, 0)}`);
    $('zoom-fit').textContent = `${Math.round(100 * this.stage.view.scale * (devicePixelRatio || 1))}%`;
  }
  #everySecond() {
    if (!this.connection) return;
    this.rate = this.connection.bytes - this.#bytes;
    this.#bytes = this.connection.bytes;
    this.shownRate = this.player.presented;
    this.player.presented = 0;
    if (this.connection.ready) $('state-text').textContent = this.shownRate > 0 ? `${this.shownRate} fps · ${bytes(this.rate)}/s` : 'connected';
  }
  zoom(factor) { this.stage.zoom(factor); this.clock(); }
}

let app, start;

/// The start page, or the session that the address names.
async function begin() {
  const query = new URLSearchParams(location.search), session = query.get('session'), watch = query.get('watch') || '';
  const frame = momentOf(location.hash);
  if (session && watch) { app.open(session, { watch, frame }); return; }
  for (;;) {
    try {
      const server = await api('/api/server');
      if (session) app.open(session, { frame });
      else await start.refresh(server);
      return;
    } catch (fault) {
      if (fault.status !== 401 && fault.status !== 403) { sorry('The server does not answer', [fault.message, fault.mend].filter(Boolean).join(' '), { text: 'Try again', act: () => location.reload() }); return; }
      await door();
    }
  }
}

theme();
if (!Stage.supported()) sorry('This browser cannot draw the picture', 'The page needs WebGL 2. It is part of every current browser: switch hardware acceleration on in its settings, or open the page in another one.');
else {
  try {
    app = new App(await Core.load());
    globalThis.vos = app;  // for tests, and for who looks behind the page
    start = new Start((session, camera) => app.open(session, { camera }));
    await begin();
  } catch (fault) {
    console.error(fault);
    sorry('The page could not start', `${fault.message || fault}. It needs WebAssembly with SIMD, which every current browser has.`);
  }
}
