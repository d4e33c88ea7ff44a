// The pages before work begins: the start, the token's door, and what to do where the page cannot run.
import { $, ask, bytes, dress, icon, make, remembered } from './ui.js';
import { api, upload } from './connection.js';

export const show = (page) => { document.body.dataset.page = page; };

/// Says why nothing can be done here, and what would help.
export function sorry(title, text, action = null) {
  $('sorry-title').textContent = title;
  $('sorry-text').textContent = text;
  $('sorry-action').hidden = !action;
  if (action) { $('sorry-action').textContent = action.text; $('sorry-action').onclick = action.act; }
  document.title = 'vos';
  show('sorry');
}

/// Asks for the server's token, which becomes a cookie that no script can read; resolves when it was right.
export function door() {
  show('door');
  $('token').focus();
  return new Promise((done) => {
    $('door-form').onsubmit = async (event) => {
      event.preventDefault();
      $('door-error').hidden = true;
      const text = $('token').value.trim(), token = /[?&]token=([^&#]+)/.exec(text)?.[1] ?? encodeURIComponent(text);
      // The right token is answered with a cookie and the way to the page, which need not be followed: this is it.
      const reply = await fetch(`/?token=${token}`, { redirect: 'manual', cache: 'no-store' }).catch(() => null);
      if (reply?.type === 'opaqueredirect' || reply?.ok) { $('token').value = ''; done(); return; }
      const body = await reply?.json().catch(() => null);
      $('door-error').textContent = !reply ? 'The server does not answer.' : body?.error ? `${body.error.what} ${body.error.mend || ''}` : 'This is not the token of this server.';
      $('door-error').hidden = false;
      $('token').select();
    };
  });
}

function fault(error) {
  $('start-error').hidden = !error;
  if (error) $('start-error').textContent = [error.message, error.mend].filter(Boolean).join('\n');
}

export class Start {
  #server = null;
  #busy = false;

  /// `open(session, camera)` goes to a session.
  constructor(open) {
    this.open = open;
    const drop = $('drop'), file = $('file');
    drop.onclick = (event) => { if (!event.target.closest('#upload')) file.click(); };
    file.onclick = (event) => event.stopPropagation();
    file.onchange = () => { if (file.files[0]) this.send(file.files[0]); file.value = ''; };
    for (const name of ['dragover', 'dragenter']) $('start').addEventListener(name, (event) => { event.preventDefault(); drop.classList.add('over'); });
    for (const name of ['dragleave', 'drop']) $('start').addEventListener(name, () => drop.classList.remove('over'));
    $('start').addEventListener('drop', (event) => { event.preventDefault(); if (event.dataTransfer.files[0]) this.send(event.dataTransfer.files[0]); });
    $('start-model').onchange = () => { remembered.set('model', $('start-model').value); this.#summary(); };
    $('use-camera').onclick = () => this.camera();
    $('use-input').onclick = () => this.begin({ source: 'input' });
  }

  /// Fills the page. Throws what `api` throws.
  async refresh(server) {
    this.#server = server;
    show('start');
    document.title = 'vos';
    fault(null);
    const models = server.models || [], kept = remembered.get('model', null), wanted = models.some(({ name }) => name === kept) ? kept : server.model;
    $('start-model').replaceChildren(...models.map(({ name }) => make('option', { value: name, selected: name === wanted }, name)));
    $('start-model').parentElement.hidden = models.length === 0;
    this.#summary();
    if (server.limits?.upload) $('drop-facts').textContent = `MP4, MOV, MKV, WebM, AVI, GIF, or a zip of pictures, up to ${bytes(server.limits.upload)}`;
    const samples = server.samples || [];
    $('samples-part').hidden = samples.length === 0;
    $('samples').replaceChildren(...samples.map((sample) => {
      const { name, title = name, summary = '' } = typeof sample === 'string' ? { name: sample } : sample;
      return make('button', { className: 'card', onclick: () => this.begin({ source: `sample:${name}` }) }, icon('film'),
        make('span', {}, make('strong', {}, title), summary && make('small', {}, summary)));
    }));
    $('use-input').hidden = !server.input;
    $('input-name').textContent = server.input?.name ?? server.input ?? '';
    const list = await api('/api/sessions'), sessions = Array.isArray(list) ? list : list.sessions || [];
    $('sessions-part').hidden = sessions.length === 0;
    $('sessions').replaceChildren(...sessions.map((session) => {
      const id = session.session;
      const facts = [session.live ? 'live' : session.frames > 0 && `${session.frames} frames`, session.model, session.viewers > 0 ? `${session.viewers} connected` : session.awake ? '' : 'asleep'].filter(Boolean);
      const name = session.name || id, end = dress(make('button', { className: 'icon', onclick: () => this.end(id, name) }), 'close', `End ${name}`);
      return make('div', { className: 'with-end' }, make('button', { className: 'card', onclick: () => this.open(id) }, icon(session.live ? 'camera' : 'film'),
        make('span', {}, make('strong', {}, name), make('small', {}, facts.join(' · ')))), end);
    }));
  }
  async end(id, name) {
    if (await ask(`End ${name}?`, [make('p', {}, 'Its clip and all that was marked in it are deleted.')], [['Keep it', ''], ['End it', 'yes', 'primary']]) !== 'yes') return;
    try { await api(`/api/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' }); await this.refresh(this.#server); } catch (error) { fault(error); }
  }
  #summary() {
    const model = this.#server?.models?.find(({ name }) => name === $('start-model').value);
    $('model-summary').textContent = model?.summary ?? '';
  }
  #model() { return $('start-model').value || undefined; }

  async begin(wish, camera = null) {
    if (this.#busy) return;
    this.#busy = true;
    fault(null);
    try {
      const made = await api('/api/sessions', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ model: this.#model(), ...wish }) });
      this.#keep(made);
      this.open(made.session, camera);
    } catch (error) {
      camera?.stop();
      fault(error);
    }
    this.#busy = false;
  }
  #keep({ session, resume, watch }) {
    const kept = remembered.get('sessions', {});
    kept[session] = { resume, watch };
    const names = Object.keys(kept);
    while (names.length > 40) delete kept[names.shift()];
    remembered.set('sessions', kept);
  }

  async send(file) {
    if (this.#busy) return;
    fault(null);
    const limit = this.#server?.limits?.upload;
    if (limit && file.size > limit) {
      fault({ message: `${file.name} has ${bytes(file.size)}; this server takes ${bytes(limit)} at most.`, mend: 'Cut a shorter clip, or start vos-serve with a larger --max-upload.' });
      return;
    }
    this.#busy = true;
    const stop = new AbortController(), box = $('upload'), [bar, text] = box.children, begin = performance.now();
    $('upload-stop').onclick = (event) => { event.stopPropagation(); stop.abort(); };
    box.hidden = false;
    try {
      const query = new URLSearchParams({ name: file.name, ...(this.#model() ? { model: this.#model() } : {}) });
      const made = await upload(`/api/sessions?${query}`, file, (sent, size) => {
        const part = size ? sent / size : 1, seconds = (performance.now() - begin) / 1000;
        bar.value = part;
        text.textContent = part < 1 ? `${Math.round(100 * part)} % · ${bytes(sent / Math.max(seconds, 0.1))}/s` : 'Opening…';
      }, stop.signal);
      this.#keep(made);
      this.open(made.session);
    } catch (error) {
      fault(error.code === 'stopped' ? null : error);
    }
    box.hidden = true;
    bar.value = 0;
    text.textContent = '';
    this.#busy = false;
  }

  async camera() {
    fault(null);
    if (!navigator.mediaDevices?.getUserMedia) {
      fault({ message: 'The browser gives this page no camera.', mend: 'From another machine it does so over https alone: start vos-serve with --tls-cert and --tls-key, or open the page on the machine itself.' });
      return;
    }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 854 }, height: { ideal: 480 } }, audio: false });
      this.begin({ source: 'camera' }, new Camera(stream));
    } catch (error) {
      fault(error.name === 'NotAllowedError' ? { message: 'The camera was not allowed.', mend: 'Allow it for this page in the address bar, then try again.' }
        : { message: 'There is no camera that can be used.', mend: error.message });
    }
  }
}

/// This machine's camera as JPEG pictures; a slow connection gets fewer of them.
export class Camera {
  #timer = 0;
  #index = 0;
  constructor(stream) {
    this.stream = stream;
    this.video = make('video', { muted: true, playsInline: true, srcObject: stream });
    this.video.play();
    this.canvas = document.createElement('canvas');
  }
  /// `send(index, seconds, bytes)`; `full()` while the last ones still wait.
  run(send, full, rate = 15) {
    this.runs = true;
    const begin = performance.now();
    const take = async () => {
      const { videoWidth: width, videoHeight: height } = this.video;
      if (width && !full()) {
        if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
        this.canvas.getContext('2d').drawImage(this.video, 0, 0);
        const seconds = (performance.now() - begin) / 1000;
        const blob = await new Promise((done) => this.canvas.toBlob(done, 'image/jpeg', 0.85));
        if (blob) send(this.#index++, seconds, new Uint8Array(await blob.arrayBuffer()));
      }
      if (this.stream.active) this.#timer = setTimeout(take, 1000 / rate);
    };
    take();
  }
  stop() {
    clearTimeout(this.#timer);
    for (const track of this.stream.getTracks()) track.stop();
  }
}
