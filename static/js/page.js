// What several parts need: reading meta tags, drawing icons, speaking to screen readers, showing a toast.
export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
export const meta = (name) => $(`meta[name="${name}"]`)?.content || '';
export const on = (type, selector, act, options) => document.addEventListener(type, (event) => {
  const found = event.target.closest?.(selector);
  if (found) act(event, found);
}, options);

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value != null) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

export function icon(name, tone) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', tone ? 'i t' : 'i');
  svg.setAttribute('aria-hidden', 'true');
  if (tone) svg.setAttribute('data-tone', tone);
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `${meta('icons')}#${name}`);
  svg.append(use);
  return svg;
}

let spoken = 0;
let waiting = null;
export function say(text, loud = false) {
  if (loud) { $('#assertive').textContent = text; return; }
  clearTimeout(waiting); // at most one polite line in five seconds, the last one wins
  waiting = setTimeout(() => { spoken = Date.now(); $('#polite').textContent = text; }, Math.max(0, spoken + 5000 - Date.now()));
}

const DRAWINGS = {danger: 'failed', caution: 'warn', alert: 'warn', info: 'info'};
export function toast(text, tone = 'calm') {
  const close = make('button', {class: 'btn ghost icon', type: 'button', 'data-dismiss': true, 'aria-label': 'Dismiss'}, icon('close'));
  const note = make('div', {class: 'toast', 'data-toast': true}, icon(DRAWINGS[tone] || 'resolved', tone), make('span', {}, text), close);
  $('#toasts').append(note);
  if (tone === 'calm') setTimeout(() => note.remove(), 10000);
}

export const store = { // localStorage may be forbidden; nothing depends on it
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem(key, value); } catch { /* full or forbidden: the draft is lost, the page is not */ } },
  drop(key) { try { localStorage.removeItem(key); } catch { /* forbidden */ } },
  keys(prefix) { try { return Object.keys(localStorage).filter((key) => key.startsWith(prefix)); } catch { return []; } },
};
