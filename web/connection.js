// The wire: one WebSocket, opened again whenever it breaks, and requests that are answered.
import { Body } from './core.js';

/// What the server said no to: words for a person.
export class Refused extends Error {
  constructor({ code = '', what, mend = '' }) { super(what); this.code = code; this.mend = mend; }
}

/// A request by HTTP; JSON back. Throws Refused with words that help.
export async function api(path, options = {}) {
  let reply;
  try {
    reply = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...options });
  } catch (fault) {
    if (fault.name === 'AbortError') throw fault;
    throw new Refused({ code: 'unreachable', what: 'The server does not answer.', mend: 'See whether vos-serve still runs, then try again.' });
  }
  const body = await reply.json().catch(() => ({}));
  if (reply.ok) return body;
  throw Object.assign(new Refused(body.error || { code: String(reply.status), what: `The server answered ${reply.status}.` }), { status: reply.status });
}

/// Sends a file and tells how far it is.
export function upload(path, file, progress, signal) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open('POST', path);
    request.upload.onprogress = (event) => progress(event.loaded, event.total);
    request.upload.onload = () => progress(file.size, file.size);
    request.onload = () => {
      let body = {};
      try { body = JSON.parse(request.responseText); } catch { /* not ours: the status speaks */ }
      if (request.status < 300) done(body);
      else fail(Object.assign(new Refused(body.error || { what: `The server answered ${request.status}.` }), { status: request.status }));
    };
    request.onerror = () => fail(new Refused({ code: 'upload', what: 'The upload broke off.', mend: 'The server may not take a file of this size, or it has stopped. Try again, or a shorter clip.' }));
    request.onabort = () => fail(new Refused({ code: 'stopped', what: '' }));
    signal?.addEventListener('abort', () => request.abort());
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.send(file);
  });
}

/// Codes after which it is of no use to come back.
const final = new Set([4401, 4404, 4409, 4410, 4429]);

export class Connection {
  #socket = null;
  #waiting = new Map();
  #number = 0;
  #tries = 0;
  #timer = 0;
  #closed = false;
  bytes = 0;
  feedMs = [];  // of the last messages: checking, decoding, keeping

  /// `hello()` gives the numbers and words of Hello; `on` takes {message, state}.
  constructor(core, hello, on) { this.core = core; this.hello = hello; this.on = on; }

  open() {
    clearTimeout(this.#timer);
    const url = new URL('ws', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    url.search = url.hash = '';
    const socket = this.#socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    this.on.state('connecting');
    socket.onopen = () => {
      this.core.reconnect();
      const { numbers, words } = this.hello();
      this.send(Body.Hello, numbers, words);
    };
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket || typeof data === 'string') return;
      this.bytes += data.byteLength;
      const begin = performance.now(), { kind, value } = this.core.feed(data);
      if (kind === Body.FrameResult) { this.feedMs.push(performance.now() - begin); if (this.feedMs.length > 600) this.feedMs.shift(); }
      if (kind === Body.Welcome) { this.#tries = 0; this.on.state('open'); }
      if (kind === Body.Answer) this.#answered(value);
      else this.on.message(kind, value);
    };
    socket.onclose = ({ code, reason }) => {
      if (socket !== this.#socket) return;
      for (const { fail } of this.#waiting.values())
        fail(new Refused({ code: 'connection', what: 'The connection broke before the server had answered.', mend: 'It is opened again by itself; then repeat what you did last if it is not there.' }));
      this.#waiting.clear();
      if (this.#closed) return;
      this.#tries += 1;
      if (final.has(code)) { this.on.state('ended', { code, reason }); return; }
      const wait = Math.min(8000, 250 * 2 ** Math.min(this.#tries, 5)) * (0.75 + Math.random() / 2);
      this.on.state('closed', { code, reason, tries: this.#tries, wait });
      this.#timer = setTimeout(() => this.open(), wait);
    };
  }
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close(1000);
  }
  get ready() { return this.#socket?.readyState === WebSocket.OPEN; }
  get backlog() { return this.#socket?.bufferedAmount || 0; }

  /// Sends without wanting an answer. False where there is no connection.
  send(kind, numbers = [], words = [], bytes = null) {
    if (!this.ready) return false;
    this.#socket.send(this.core.say(kind, 0, numbers, words, bytes));
    return true;
  }
  /// Sends and gives the Answer; throws Refused. `progress` is the number to be given to Cancel.
  ask(kind, numbers = [], words = [], started = () => {}) {
    if (!this.ready) return Promise.reject(new Refused({ code: 'connection', what: 'There is no connection to the server.', mend: 'It is opened again by itself; try again then.' }));
    const request = ++this.#number;
    this.#socket.send(this.core.say(kind, request, numbers, words));
    started(request);
    return new Promise((done, fail) => this.#waiting.set(request, { done, fail }));
  }
  #answered(answer) {
    const waiting = this.#waiting.get(answer.request);
    if (!waiting) return;
    this.#waiting.delete(answer.request);
    // Masks are read at once: the next Answer takes their place.
    if (answer.error) waiting.fail(new Refused(answer.error));
    else waiting.done({ ...answer, preview: answer.masks ? this.core.preview() : null });
  }
}
