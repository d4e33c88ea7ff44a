// The WebAssembly part behind names: bytes in, views of its memory out. Nothing here knows of the page.
import createModule from './vos.js';

/// Numbers of vos.fbs, which stay as they are for ever.
export const Body = {
  Hello: 1, Play: 2, Pause: 3, Seek: 4, Step: 5, Speed: 6, Fetch: 7, KeyFrame: 8, Seen: 9, Prompt: 10, RenameObject: 11,
  RemoveObject: 12, MergeObjects: 13, SplitObject: 14, Propagate: 15, Undo: 16, Redo: 17, Cancel: 18, ChooseModel: 19,
  Settings: 20, Export: 21, CameraFrame: 22,
  Welcome: 64, FrameResult: 65, ObjectList: 66, Playback: 67, Progress: 68, Notice: 69, Answer: 70, Statistics: 71, Dropped: 72,
};
export const Flags = { prompted: 1, corrected: 2, suspect: 4 };
const Part = { mark: 0, box: 1, click: 2, stroke: 3, polygon: 4, mask: 5 };

const words = new TextEncoder(), reader = new TextDecoder();

export class Core {
  static async load() { return new Core(await createModule()); }
  constructor(wasm) { this.wasm = wasm; }

  #write(bytes) {
    const at = this.wasm._vos_inbox(bytes.length);
    this.wasm.HEAPU8.set(bytes, at);
    return bytes.length;
  }
  #numbers(at, count) { return at ? this.wasm.HEAPF64.subarray(at >> 3, (at >> 3) + count) : null; }
  bytes(at, size) { return this.wasm.HEAPU8.subarray(at, at + size); }

  // --- in ---------------------------------------------------------------------------------------------------------------
  /// Takes a message; gives {kind, value}: what it says, or the frame that came.
  feed(buffer) {
    const kind = this.wasm._vos_feed(this.#write(new Uint8Array(buffer)));
    if (kind === Body.FrameResult) return { kind, value: this.#frame(this.wasm._vos_arrived()) };
    const at = this.wasm._vos_text();
    return { kind, value: JSON.parse(reader.decode(this.wasm.HEAPU8.subarray(at, this.wasm.HEAPU8.indexOf(0, at)))) };
  }
  reconnect() { this.wasm._vos_reconnect(); }
  restart() { this.wasm._vos_restart(); }

  // --- frames ----------------------------------------------------------------------------------------------------------
  #frame(at) {
    const n = this.#numbers(at, 12);
    return n && { index: n[0], seconds: n[1], width: n[2], height: n[3], revision: n[4], answered: n[5] !== 0, count: n[6], at: n[7],
      jpegSize: n[8], jpegAt: n[9], fault: n[10], pictured: n[11] !== 0 };
  }
  kept(index) { return this.#frame(this.wasm._vos_kept(index)); }
  /// Makes a kept frame the shown one: its objects are read, its masks painted.
  show(index) {
    const frame = this.#frame(this.wasm._vos_show(index));
    if (frame) frame.objects = this.#objects(frame);
    return frame;
  }
  #objects({ at, count }) {
    const view = new DataView(this.wasm.HEAPU8.buffer, at, count * 24);
    return Array.from({ length: count }, (_, i) => {
      const o = i * 24;
      return { id: view.getInt32(o, true), category: view.getInt32(o + 4, true), score: view.getFloat32(o + 8, true),
        x0: view.getUint16(o + 12, true), y0: view.getUint16(o + 14, true), x1: view.getUint16(o + 16, true), y1: view.getUint16(o + 18, true),
        lost: view.getUint8(o + 20) === 1, flags: view.getUint8(o + 21) };
    });
  }
  jpeg(frame) { return new Blob([this.bytes(frame.jpegAt, frame.jpegSize)], { type: 'image/jpeg' }); }
  #view(at) {
    const n = this.#numbers(at, 6);
    return n && { width: n[0], height: n[1], wide: n[2] === 2, at: n[3], anchors: n[4], anchorsAt: n[5] };
  }
  masks() { return this.#view(this.wasm._vos_masks()); }
  preview() { return this.#view(this.wasm._vos_preview()); }
  clearPreview() { this.wasm._vos_clear_preview(); }
  /// The pixels of a view, as a texture takes them.
  pixels(view) {
    const count = view.width * view.height;
    return view.wide ? this.wasm.HEAPU16.subarray(view.at >> 1, (view.at >> 1) + count) : this.bytes(view.at, count);
  }
  /// x, y and area of the shown masks, in their order.
  anchors(view) { return this.wasm.HEAPF32.subarray(view.anchorsAt >> 2, (view.anchorsAt >> 2) + 3 * view.anchors); }
  palette() { return this.bytes(this.wasm._vos_palette(), 4 * this.wasm._vos_palette_size()); }
  hit(x, y, reach) { return this.wasm._vos_hit(Math.floor(x), Math.floor(y), Math.round(reach)); }
  ringBytes() { return this.wasm._vos_ring_bytes(); }
  memory() { return this.wasm.HEAPU8.length; }

  select(id) { this.wasm._vos_select(id); }
  hide(id, hidden) { this.wasm._vos_hide(id, hidden ? 1 : 0); }
  solo(id) { this.wasm._vos_solo(id); }
  restyle() { this.wasm._vos_restyle(); }

  // --- time line ---------------------------------------------------------------------------------------------------------
  bars(first, last, width, rows) { return this.bytes(this.wasm._vos_bars(first, last, width), (rows + 1) * width * 4); }
  marks(first, last) {
    const count = this.wasm._vos_marks(first, last), at = this.wasm._vos_marks_at() >> 2;
    return this.wasm.HEAP32.subarray(at, at + 3 * count);
  }
  weak(from, step) {
    const [frame, id, kind] = this.#numbers(this.wasm._vos_weak(from, step), 3);
    return frame < 0 ? null : { frame, id, kind };
  }
  weakCount() { return this.wasm._vos_weak_count(); }
  known() { return [this.wasm._vos_known_begin(), this.wasm._vos_known_end()]; }
  doubt(first, last) { this.wasm._vos_doubt(first, last); }
  forgetDoubted(first, last) { this.wasm._vos_forget_doubted(first, last); }

  // --- out ----------------------------------------------------------------------------------------------------------------
  #name(numbers, texts) {
    for (const number of numbers) this.wasm._vos_number(Number(number));
    for (const text of texts) this.wasm._vos_word(this.#write(words.encode(text)));
  }
  #part(part, numbers, texts = [], size = 0) {
    this.#name(numbers, texts);
    return this.wasm._vos_part(part, size) === 1;
  }
  /// The bytes of a message; they are to be sent before the next call.
  say(kind, request = 0, numbers = [], texts = [], bytes = null) {
    this.#name(numbers, texts);
    const size = this.wasm._vos_say(kind, request, bytes ? this.#write(bytes) : 0);
    return this.bytes(this.wasm._vos_out(), size);
  }
  /// One mark of the next Prompt: {object, name, box, clicks, strokes, polygons}.
  mark(mark) {
    this.#part(Part.mark, [mark.object, -1], [mark.name || '']);
    if (mark.box) this.#part(Part.box, mark.box);
    for (const { x, y, add } of mark.clicks) this.#part(Part.click, [x, y, add ? 1 : 0]);
    for (const { radius, erase, points } of mark.strokes) this.#part(Part.stroke, [radius, erase ? 1 : 0, ...points]);
    for (const { erase, points } of mark.polygons) this.#part(Part.polygon, [erase ? 1 : 0, ...points]);
  }
  /// A whole mask for the next Prompt: where the picture (RGBA) is bright.
  mask({ width, height, object, rgba }) {
    this.#name([width, height, object], []);
    return this.wasm._vos_part(Part.mask, this.#write(rgba)) === 1;
  }
}
