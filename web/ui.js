// Small things that all parts of the page use: elements, icons, menus, messages, what is remembered.

export const $ = (id) => document.getElementById(id);

/// An element: `make('button', {class: 'icon', onclick}, 'text', child)`.
export function make(tag, fields = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(fields)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key in element && !key.startsWith('aria')) element[key] = value;
    else element.setAttribute(key === 'className' ? 'class' : key, value);
  }
  element.append(...children.filter((child) => child != null && child !== false));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

/// Gives a button its picture, its name for readers and its hint.
export function dress(button, name, hint = button.dataset.hint, key = button.dataset.key) {
  const svg = button.querySelector('svg');
  if (svg) svg.firstChild.setAttribute('href', `#i-${name}`);
  else button.prepend(icon(name));
  button.setAttribute('aria-label', hint);
  button.title = key ? `${hint} (${key})` : hint;
  return button;
}

export const css = (rgb) => `#${(rgb >>> 0).toString(16).padStart(6, '0')}`;
export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export function time(seconds, digits = 2) {
  const whole = Math.max(seconds, 0), h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60;
  const s = digits ? (whole % 60).toFixed(digits).padStart(digits + 3, '0') : String(Math.floor(whole % 60)).padStart(2, '0');
  return (h ? `${h}:${String(m).padStart(2, '0')}` : String(m)) + `:${s}`;
}
/// The frame that a link names; -1: none.
export const momentOf = (hash) => Number(/frame=(\d+)/.exec(hash)?.[1] ?? -1);
export function bytes(count) {
  if (count < 1000) return `${Math.round(count)} B`;
  const [unit, size] = count < 1e6 ? ['kB', 1e3] : count < 1e9 ? ['MB', 1e6] : ['GB', 1e9];
  return `${(count / size).toFixed(count / size < 10 ? 1 : 0)} ${unit}`;
}

// --- what is remembered ----------------------------------------------------------------------------------------------------
export const remembered = {
  get(key, otherwise) {
    try { return JSON.parse(localStorage.getItem(`vos.${key}`)) ?? otherwise; } catch { return otherwise; }
  },
  set(key, value) {
    try {
      if (value === undefined) localStorage.removeItem(`vos.${key}`);
      else localStorage.setItem(`vos.${key}`, JSON.stringify(value));
    } catch { /* a browser that keeps nothing still works */ }
  },
};

// --- messages ----------------------------------------------------------------------------------------------------------------
/// Tells the person something. Errors stay until they are closed; the same words are not said twice.
export function toast(what, { mend = '', kind = 'event', seconds = kind === 'error' ? 20 : 6 } = {}) {
  for (const old of $('toasts').children) if (old.dataset.what === what) old.remove();
  const close = dress(make('button', { className: 'icon', onclick: () => box.remove() }), 'close', 'Close');
  const box = make('div', { className: `toast ${kind}`, role: kind === 'error' ? 'alert' : 'status' },
    make('div', {}, what, mend && make('small', {}, mend)), close);
  box.dataset.what = what;
  $('toasts').append(box);
  while ($('toasts').children.length > 4) $('toasts').firstChild.remove();
  setTimeout(() => box.remove(), seconds * 1000);
  return box;
}

// --- menus --------------------------------------------------------------------------------------------------------------------
let closeMenu = () => {};
/// Opens a menu beside its button; the entries are elements, or {text, key, danger, off, act}, or null for a line.
export function menu(anchor, entries) {
  const same = anchor.getAttribute('aria-expanded') === 'true';
  closeMenu();
  if (same) return;
  const box = make('div', { className: 'menu', role: 'menu' });
  for (const entry of entries) {
    if (entry === null) box.append(make('hr'));
    else if (entry instanceof Node) box.append(entry);
    else box.append(make('button', { role: 'menuitem', disabled: !!entry.off, className: entry.danger ? 'danger' : '', onclick: () => { closeMenu(); entry.act(); } },
      entry.text, entry.key && make('small', {}, entry.key)));
  }
  $('menus').append(box);
  const at = anchor.getBoundingClientRect(), size = box.getBoundingClientRect();
  const below = at.bottom + 4 + size.height < innerHeight;
  box.style.left = `${clamp(at.right - size.width, 8, innerWidth - size.width - 8)}px`;
  box.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - size.height - 4)}px`;
  anchor.setAttribute('aria-expanded', 'true');
  const focusable = () => [...box.querySelectorAll('button:not(:disabled), input, select')];
  focusable()[0]?.focus({ preventScroll: true });
  const outside = (event) => { if (!box.contains(event.target) && !anchor.contains(event.target)) closeMenu(); };
  const keys = (event) => {
    if (event.key === 'Escape') { closeMenu(); anchor.focus(); }
    else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && document.activeElement.tagName === 'BUTTON') {
      const all = focusable(), i = all.indexOf(document.activeElement) + (event.key === 'ArrowDown' ? 1 : -1);
      all[(i + all.length) % all.length]?.focus();
      event.preventDefault();
    } else if (event.key !== 'Tab') { event.stopPropagation(); return; }
    event.stopPropagation();
  };
  document.addEventListener('pointerdown', outside, true);
  box.addEventListener('keydown', keys);
  closeMenu = () => {
    document.removeEventListener('pointerdown', outside, true);
    anchor.setAttribute('aria-expanded', 'false');
    box.remove();
    closeMenu = () => {};
  };
}
export const closeMenus = () => closeMenu();

// --- dialogs -------------------------------------------------------------------------------------------------------------------
/// Shows elements in a dialog; resolves with the pressed button's value, '' for Escape.
export function ask(title, content, buttons = [['Close', '']]) {
  const dialog = $('dialog');
  dialog.replaceChildren(make('h2', { id: 'dialog-title' }, title), ...content,
    make('div', { className: 'foot' }, ...buttons.map(([text, value, kind]) =>
      make('button', { className: kind || 'quiet', onclick: () => dialog.close(value) }, text))));
  dialog.returnValue = '';
  if (!dialog.open) dialog.showModal();
  return new Promise((done) => dialog.addEventListener('close', () => done(dialog.returnValue), { once: true }));
}

// --- dark and light --------------------------------------------------------------------------------------------------------------
export const theme = () => {
  const wanted = remembered.get('theme', 'auto');
  if (wanted === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = wanted;
};
