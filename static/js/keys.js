// The keyboard: j and k walk the rows, Enter opens, letters press the button that names them, ? explains.
import {$, $$, icon, make, on, store} from './page.js';

const enabled = () => store.get('keys') !== 'off';
const typing = (element) => element?.closest('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog');
const row = () => document.activeElement?.closest('[id^="row-"]');
const seen = (element) => element && element.checkVisibility?.() !== false;

function walk(step) {
  const rows = $$('[id^="row-"]').filter(seen);
  const here = rows.indexOf(row());
  const next = rows[here < 0 ? (step > 0 ? 0 : rows.length - 1) : here + step];
  if (!next) return;
  ($('a.title', next) || $('a, button', next))?.focus();
  next.scrollIntoView({block: 'nearest'});
}
const inRows = (element) => element.closest('[id^="row-"]');
function press(key) {
  const mine = row();
  const found = mine && $$(`[data-key="${key}"]`, mine).find(seen);
  (found || $$(`[data-key="${key}"]`).find((element) => seen(element) && !inRows(element)))?.click();
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
  if (event.key === '?' ) { event.preventDefault(); help(); return; }
  if (!enabled()) return;
  if (event.key === 'j' || event.key === 'k') walk(event.key === 'j' ? 1 : -1);
  else if (event.key === 'x') $('input[type=checkbox]', row() || document.createElement('i'))?.click();
  else if (event.key === '/') { const search = $$('input[type=search]').find(seen); if (search) { event.preventDefault(); search.focus(); } }
  else if (/^[a-z]$/.test(event.key)) press(event.key);
});

const KEYS = [['j', 'next row'], ['k', 'previous row'], ['Enter', 'open'], ['x', 'select'], ['/', 'search'], ['?', 'this list']];
const name = (element) => element.getAttribute('aria-label') || [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join(' ').trim();
function help() {
  if ($('dialog[open]')) return;
  const found = new Map($$('[data-key]').map((element) => [element.dataset.key, name(element).toLowerCase()]));
  for (const [key, what] of [['a', 'acknowledge'], ['r', 'resolve']]) if (!found.has(key)) found.set(key, what);
  const list = make('dl', {class: 'facts'});
  for (const [key, what] of [...KEYS, ...found]) list.append(make('dt', {}, make('kbd', {}, key)), make('dd', {}, what));
  const toggle = make('input', {type: 'checkbox', class: 'switch', role: 'switch'});
  toggle.checked = enabled();
  toggle.addEventListener('change', () => store.set('keys', toggle.checked ? 'on' : 'off'));
  const close = make('button', {class: 'btn ghost icon', 'aria-label': 'Close'}, icon('close'));
  const dialog = make('dialog', {class: 'dialog', 'aria-labelledby': 'keys'},
    make('header', {}, make('h2', {id: 'keys'}, 'Keyboard'), make('form', {method: 'dialog'}, close)),
    make('div', {class: 'in'}, list),
    make('footer', {}, make('label', {class: 'check'}, toggle, 'Single-key shortcuts')));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
on('click', '[data-help]', help);
