// The picture and its masks: WebGL2 below, names and tools' lines above, zoom and pan.
import { clamp } from './ui.js';
import { Annotations } from './annotations.js';
import { fragment, vertex } from './shaders.js';

export class Stage {
  view = { scale: 1, x: 0, y: 0, fitted: true };
  size = { width: 0, height: 0 };       // of the frame
  pictured = { width: 0, height: 0 };   // of the last picture
  looks = { opacity: 0.45, line: 1.5, dim: 0, swipe: 1, labels: 'names', boxes: false, trails: false };
  frame = null;                         // the shown one
  drawMs = 0;
  #dirty = false;
  #has = { picture: false, masks: false, preview: false };

  constructor(app, picture, overlay) {
    Object.assign(this, { app, canvas: picture, overlay });
    this.annotations = new Annotations(app, this);
    picture.addEventListener('webglcontextlost', (event) => { event.preventDefault(); this.gl = null; });
    picture.addEventListener('webglcontextrestored', () => { this.#prepare(); this.app.redraw(); });
    this.#prepare();
    new ResizeObserver(() => this.resize()).observe(overlay);
  }

  static supported() {
    const gl = document.createElement('canvas').getContext('webgl2');
    gl?.getExtension('WEBGL_lose_context')?.loseContext();
    return !!gl;
  }

  #prepare() {
    const gl = this.gl = this.canvas.getContext('webgl2', { alpha: false, antialias: false, depth: false, powerPreference: 'high-performance' });
    if (!gl || gl.isContextLost()) return;
    const shader = (kind, source) => {
      const made = gl.createShader(kind);
      gl.shaderSource(made, source);
      gl.compileShader(made);
      return made;
    };
    const program = gl.createProgram();
    gl.attachShader(program, shader(gl.VERTEX_SHADER, vertex));
    gl.attachShader(program, shader(gl.FRAGMENT_SHADER, fragment));
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      if (gl.isContextLost()) return;
      throw new Error(gl.getShaderInfoLog(gl.getAttachedShaders(program)[1]) || gl.getProgramInfoLog(program));
    }
    gl.useProgram(program);
    this.at = {};
    for (let i = 0; i < gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS); ++i) {
      const { name } = gl.getActiveUniform(program, i);
      this.at[name] = gl.getUniformLocation(program, name);
    }
    this.textures = {};
    ['picture', 'masks', 'preview', 'palette'].forEach((name, unit) => {
      const texture = gl.createTexture();
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      const filter = name === 'picture' ? gl.LINEAR : gl.NEAREST;
      for (const which of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, which, filter);
      for (const which of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, which, gl.CLAMP_TO_EDGE);
      gl.uniform1i(this.at[name], unit);
      this.textures[name] = { unit, width: 0, height: 0, form: 0 };
    });
    // Integer samplers want integer textures even while nothing is drawn with them.
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    for (const name of ['masks', 'preview']) this.#put(name, 1, 1, gl.R8UI, gl.RED_INTEGER, gl.UNSIGNED_BYTE, new Uint8Array(1));
    this.#put('palette', 1, 1, gl.RGBA8UI, gl.RGBA_INTEGER, gl.UNSIGNED_BYTE, new Uint8Array(4));
    this.#has = { picture: false, masks: false, preview: false };
    this.resize();
  }

  /// Fills a texture; its storage is made anew only where size or form have changed.
  #put(name, width, height, form, layout, type, pixels) {
    const { gl } = this, texture = this.textures[name];
    gl.activeTexture(gl.TEXTURE0 + texture.unit);
    if (texture.width !== width || texture.height !== height || texture.form !== form) {
      gl.texImage2D(gl.TEXTURE_2D, 0, form, width, height, 0, layout, type, pixels instanceof ImageBitmap ? null : pixels);
      Object.assign(texture, { width, height, form });
      if (!(pixels instanceof ImageBitmap)) return;
    }
    if (pixels instanceof ImageBitmap) gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, layout, type, pixels);
    else gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, layout, type, pixels);
  }

  setPicture(bitmap) {
    this.pictured = { width: bitmap.width, height: bitmap.height };
    if (!this.gl || this.gl.isContextLost()) return;
    const { gl } = this;
    this.#put('picture', bitmap.width, bitmap.height, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
    this.#has.picture = true;
  }
  #setSlots(name, view) {
    if (!this.gl || this.gl.isContextLost()) return;
    this.#has[name] = !!view && view.width > 0;
    if (!this.#has[name]) return this.redraw();
    const { gl } = this, pixels = this.app.core.pixels(view);
    if (view.wide) this.#put(name, view.width, view.height, gl.R16UI, gl.RED_INTEGER, gl.UNSIGNED_SHORT, pixels);
    else this.#put(name, view.width, view.height, gl.R8UI, gl.RED_INTEGER, gl.UNSIGNED_BYTE, pixels);
    this.redraw();
  }
  setPreview(view) { this.#setSlots('preview', view); }

  /// Takes the masks of the core's shown frame to the screen.
  setFrame(frame) {
    const first = !this.size.width;
    this.frame = frame;
    // A picture that no model has looked at yet may come without a size of its own.
    const { width, height } = frame.width > 0 ? frame : this.pictured;
    if (width !== this.size.width || height !== this.size.height) {
      this.size = { width, height };
      if (first || this.view.fitted) this.fit();
    }
    this.annotations.remember(frame);
    this.restyle();
  }
  restyle() {
    const { core } = this.app, view = core.masks();
    this.#setSlots('masks', view);
    if (!this.gl || this.gl.isContextLost()) return;
    const palette = core.palette(), slots = palette.length / 4;
    if (slots > 0) {
      // Rows of 256 slots: 65,535 objects would not fit into one.
      const height = Math.ceil(slots / 256), table = this.table?.length === height * 1024 ? this.table : (this.table = new Uint8Array(height * 1024));
      table.set(palette);
      this.#put('palette', 256, height, this.gl.RGBA8UI, this.gl.RGBA_INTEGER, this.gl.UNSIGNED_BYTE, table);
    }
    this.redraw();
  }
  // --- place ---------------------------------------------------------------------------------------------------------------------
  resize() {
    const box = this.overlay.getBoundingClientRect(), ratio = devicePixelRatio || 1;
    if (!box.width || !box.height) return;
    this.box = box;
    for (const canvas of [this.canvas, this.overlay]) {
      const width = Math.round(box.width * ratio), height = Math.round(box.height * ratio);
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    }
    this.ratio = ratio;
    if (this.view.fitted) this.fit();
    this.redraw();
  }
  fit() {
    if (!this.box || !this.size.width) return;
    const { width, height } = this.box, margin = width < 600 ? 0 : 16;
    const scale = Math.min((width - 2 * margin) / this.size.width, (height - 2 * margin) / this.size.height);
    this.view = { scale, x: (width - this.size.width * scale) / 2, y: (height - this.size.height * scale) / 2, fitted: true };
    this.redraw();
  }
  /// Zooms by a factor so that what lies at (x,y) of the stage stays there.
  zoom(factor, x = this.box.width / 2, y = this.box.height / 2) {
    const scale = clamp(this.view.scale * factor, 0.05, 64), by = scale / this.view.scale;
    this.view = { scale, x: x - (x - this.view.x) * by, y: y - (y - this.view.y) * by, fitted: false };
    this.pan(0, 0);
  }
  pan(dx, dy) {
    const { scale } = this.view, keep = 60;  // some of the picture stays in sight
    this.view.x = clamp(this.view.x + dx, keep - this.size.width * scale, this.box.width - keep);
    this.view.y = clamp(this.view.y + dy, keep - this.size.height * scale, this.box.height - keep);
    this.view.fitted = false;
    this.redraw();
  }
  /// From a place of the window to pixels of the frame.
  toFrame(event) {
    const box = this.overlay.getBoundingClientRect();
    return { x: (event.clientX - box.left - this.view.x) / this.view.scale, y: (event.clientY - box.top - this.view.y) / this.view.scale };
  }
  inside({ x, y }) { return x >= 0 && y >= 0 && x < this.size.width && y < this.size.height; }

  // --- drawing -----------------------------------------------------------------------------------------------------------------------
  redraw() {
    if (this.#dirty) return;
    this.#dirty = true;
    requestAnimationFrame(() => { this.#dirty = false; this.#draw(); });
  }
  #draw() {
    if (!this.box) return;
    const begin = performance.now();
    const { gl, view, ratio, looks } = this;
    if (gl && !gl.isContextLost() && this.at) {
      const scale = view.scale * ratio;
      gl.viewport(0, 0, this.canvas.width, this.canvas.height);
      gl.uniform2f(this.at.stage, this.canvas.width, this.canvas.height);
      gl.uniform2f(this.at.origin, view.x * ratio, view.y * ratio);
      gl.uniform1f(this.at.scale, scale);
      gl.uniform2f(this.at.size, this.size.width || 1, this.size.height || 1);
      gl.uniform1f(this.at.opacity, looks.opacity);
      gl.uniform1f(this.at.line, looks.line * ratio);
      gl.uniform1f(this.at.dim, looks.dim);
      gl.uniform1f(this.at.swipe, looks.swipe >= 1 ? 1e6 : looks.swipe * this.size.width);
      for (const key of ['picture', 'masks', 'preview']) gl.uniform1i(this.at[`has_${key}`], this.#has[key] ? 1 : 0);
      const ground = this.app.colours.stage, hue = this.app.draft?.colour ?? 0x5aa2ff;
      gl.uniform3f(this.at.ground, ground[0], ground[1], ground[2]);
      gl.uniform3f(this.at.preview_colour, (hue >> 16 & 255) / 255, (hue >> 8 & 255) / 255, (hue & 255) / 255);
      const smooth = scale < 4 ? gl.LINEAR : gl.NEAREST;  // far in, one sees pixels
      gl.activeTexture(gl.TEXTURE0);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, smooth);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }
    this.annotations.draw();
    this.drawMs = performance.now() - begin;
    this.app.drawn?.();
  }
}
