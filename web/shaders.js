// What the graphics card does: the picture, masks over it, a preview over both.

export const vertex = `#version 300 es
uniform vec2 stage, origin; uniform float scale;
out vec2 at;  // pixels of the frame
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  at = (corner * stage - origin) / scale;
  gl_Position = vec4(corner.x * 2.0 - 1.0, 1.0 - corner.y * 2.0, 0, 1);
}`;

// Distances are device pixels, so that lines are as fine at any zoom; slots are looked up exactly, never blended.
export const fragment = `#version 300 es
precision highp float; precision highp int; precision highp usampler2D;
uniform sampler2D picture; uniform usampler2D masks, preview, palette;
uniform vec2 size; uniform float scale, opacity, line, dim, swipe, time;
uniform bool has_picture, has_masks, has_preview;
uniform vec3 ground, preview_colour;
in vec2 at; out vec4 colour;

uint slot(vec2 p) { return texelFetch(masks, ivec2(clamp(p, vec2(0), size - 1.0)), 0).r; }
uint seen(vec2 p) { return texelFetch(preview, ivec2(clamp(p, vec2(0), size - 1.0)), 0).r; }
uvec4 look(uint s) { return texelFetch(palette, ivec2(int(s) & 255, int(s) >> 8), 0); }

void main() {
  if (at.x < 0.0 || at.y < 0.0 || at.x >= size.x || at.y >= size.y) { colour = vec4(ground, 1); return; }
  vec3 base = has_picture ? texture(picture, at / size).rgb : vec3(0.16);
  colour = vec4(base, 1);
  if (has_masks && at.x < swipe) {
    uint mine = slot(at);
    uvec4 style = look(mine);
    bool chosen = (style.a & 2u) != 0u, suspect = (style.a & 4u) != 0u;
    float reach = max(line, 0.0) * (chosen ? 2.0 : 1.0) / scale;
    vec2 d = vec2(reach, reach * 0.7071);
    uint n0 = slot(at + vec2(d.x, 0)), n1 = slot(at - vec2(d.x, 0)), n2 = slot(at + vec2(0, d.x)), n3 = slot(at - vec2(0, d.x));
    bool edge = n0 != mine || n1 != mine || n2 != mine || n3 != mine || slot(at + d.yy) != mine || slot(at - d.yy) != mine ||
      slot(at + vec2(d.y, -d.y)) != mine || slot(at + vec2(-d.y, d.y)) != mine;
    if (mine == 0u) {
      base *= 1.0 - dim;
      if (edge && line > 0.0) base *= 0.55;
    } else {
      vec3 hue = vec3(style.rgb) / 255.0;
      base = mix(base, hue, opacity);
      if (edge && line > 0.0) {
        base = mix(hue, vec3(1), 0.12);
        if (suspect && mod(gl_FragCoord.x + gl_FragCoord.y, 12.0) < 6.0) base = vec3(1, 0.85, 0.25);
      }
    }
    colour.rgb = base;
  }
  if (has_preview) {
    uint mine = seen(at);
    vec2 d = vec2(1.6 / scale, 0);
    bool edge = seen(at + d.xy) != mine || seen(at - d.xy) != mine || seen(at + d.yx) != mine || seen(at - d.yx) != mine;
    bool stripe = mod(gl_FragCoord.x - gl_FragCoord.y, 14.0) < 7.0;
    if (mine != 0u) colour.rgb = mix(colour.rgb, stripe ? preview_colour : mix(preview_colour, vec3(1), 0.35), 0.5);
    if (edge) colour.rgb = mine != 0u ? vec3(1) : colour.rgb * 0.4;
  }
  if (abs(at.x - swipe) * scale < 1.0 && swipe < size.x) colour.rgb = vec3(1);
}`;
