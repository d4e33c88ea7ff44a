// Which frame is on the screen: what comes, what is sought, what waits while a person marks.
import { Body } from './core.js';
import { $, clamp, toast } from './ui.js';

export class Player {
  shown = null;          // the frame on the screen
  received = 0;          // frames with a picture
  newest = -1;
  lastIndex = -1;        // of the last frame that came, for a connection that is taken up again
  held = false;          // a person marks: the picture stands still
  away = false;          // a watcher looks at another frame than the owner
  awayIndex = -1;
  presented = 0;         // since the last look at it, a second ago
  #sequence = 0; #shownSequence = 0; #decoding = 0; #next = null;
  #waitsForKey = false;
  #seeking = false; #seekNext = null;
  #paintMs = [];

  constructor(app) { this.app = app; }

  reset() {
    this.shown = null;
    this.newest = this.lastIndex = -1;
    this.held = this.away = false;
    this.connected();
    this.#seekNext = null;
  }
  connected() { this.#waitsForKey = this.#seeking = false; }

  // --- what comes -------------------------------------------------------------------------------------------------------------
  take(frame) {
    if (frame.fault) {
      if (!this.#waitsForKey) this.app.connection.send(Body.KeyFrame);
      this.#waitsForKey = true;
    } else if (frame.answered) this.#waitsForKey = false;
    this.newest = Math.max(this.newest, frame.index);
    if (this.app.live || frame.index >= this.app.frames) this.app.frames = Math.max(this.app.frames, frame.index + 1);
    if (this.app.live) this.app.begin = this.app.core.known()[0];
    this.app.timeline.changed();
    const { index } = frame;
    if (!frame.pictured) {
      // A result alone, asked for by the time line; or the shown frame's, made anew.
      if (this.shown?.index === index && frame.answered) this.present(index);
      return;
    }
    this.lastIndex = index;
    this.received += 1;
    const wanted = this.away ? index === this.awayIndex : !this.held || this.shown?.index === index;
    if (wanted && frame.fault === 0) this.picture(index);
  }
  /// Decodes a kept frame's picture and shows both. Two at a time; of those that wait the newest counts.
  async picture(index) {
    if (this.#decoding >= 2) { this.#next = index; return; }
    const frame = this.app.core.kept(index), sequence = ++this.#sequence;
    if (!frame?.jpegSize) return;
    this.#decoding += 1;
    try {
      const picture = await createImageBitmap(this.app.core.jpeg(frame));
      if (sequence > this.#shownSequence && this.app.connection) {
        this.#shownSequence = sequence;
        this.app.stage.setPicture(picture);
        this.present(index);
      }
      picture.close();
    } catch { /* a damaged picture: the one before stays */ }
    this.#decoding -= 1;
    if (this.#next !== null) { const next = this.#next; this.#next = null; this.picture(next); }
  }
  present(index) {
    const begin = performance.now(), frame = this.app.core.show(index);
    if (!frame) return;
    const fresh = this.shown?.index !== index;
    this.shown = frame;
    this.app.stage.setFrame(frame);
    this.#note(performance.now() - begin);
    this.presented += 1;
    this.app.connection?.send(Body.Seen, [index]);
    this.app.clock();
    if (fresh) { this.app.timeline.reveal(index); this.app.tools.refresh(); } else this.app.timeline.redraw();
    this.app.panel.facts();
  }
  #note(ms) { this.#paintMs.push(ms); if (this.#paintMs.length > 600) this.#paintMs.shift(); }
  /// Milliseconds of taking a frame to the screen, but for decoding its picture, which the browser does beside.
  get paintMs() { return this.#paintMs; }
  /// The shown frame once more, from what is kept: its textures are gone.
  again() {
    if (!this.shown) return;
    this.app.core.show(this.shown.index);
    this.picture(this.shown.index);
    this.app.stage.restyle();
  }

  // --- what is sought ----------------------------------------------------------------------------------------------------------
  seek(index) {
    index = clamp(Math.round(index), this.app.begin, Math.max((this.app.frames || this.newest + 1) - 1, 0));
    if (this.app.draft && index !== this.app.draft.index) {
      if (this.app.draft.order.length) toast('Accept or discard what you have marked first.', { seconds: 3 });
      else this.app.tools.discard();
      if (this.app.draft) return;
    }
    this.app.timeline.follow = this.app.live && index >= this.newest;
    const kept = this.app.core.kept(index);
    if (kept?.jpegSize && kept.answered) this.picture(index);
    if (!this.app.owner) {
      this.away = true;
      this.awayIndex = index;
      $('edge').setAttribute('aria-pressed', false);
      if (!kept?.jpegSize || !kept.answered) this.app.connection.send(Body.Fetch, [index, index, 1]);
      return;
    }
    this.#seekNext = index;
    this.#seekOn();
  }
  /// One Seek at a time; of those that wait the last one goes.
  async #seekOn() {
    if (this.#seeking || this.#seekNext === null) return;
    this.#seeking = true;
    const index = this.#seekNext;
    this.#seekNext = null;
    await this.app.request(Body.Seek, [index]);
    this.#seeking = false;
    this.#seekOn();
  }
  /// Forwards a frame is made where there is none yet; backwards they are there.
  step(frames) {
    const to = (this.#seekNext ?? this.shown?.index ?? 0) + frames;
    if (frames === 1 && this.app.owner && !this.app.live && !this.app.draft && this.#seekNext === null && !this.app.core.kept(to)?.answered) this.app.connection.send(Body.Step, [1]);
    else this.seek(to);
  }
  toggle() {
    if (!this.app.connection) return;
    if (!this.app.owner) { this.away ? this.edge() : this.seek(this.shown?.index ?? 0); return; }
    if (this.app.draft) { this.app.tools.accept(); return; }
    if (!this.app.playback.playing && !this.app.live && this.app.frames > 0 && this.shown?.index >= this.app.frames - 1) this.seek(0);
    this.app.connection.send(this.app.playback.playing ? Body.Pause : Body.Play);
  }
  /// Back to where a stream, or who owns the session, is now.
  edge() {
    this.away = false;
    this.app.timeline.follow = true;
    $('edge').setAttribute('aria-pressed', true);
    if (this.app.owner) { this.app.connection.send(Body.Play); if (this.newest >= 0) this.seek(this.newest); }
    else if (this.app.playback.index >= 0) this.app.connection.send(Body.KeyFrame);
  }
  /// While a person marks, the picture stands still: a file is paused, a stream goes on unseen.
  hold() {
    this.held = true;
    if (this.app.playback.playing && !this.app.live) this.app.connection.send(Body.Pause);
  }
  letGo() {
    this.held = false;
    if (this.app.live && !this.away && this.newest >= 0) this.picture(this.newest);
  }
}
