// The keyboard: j and k walk the rows, Enter opens, letters press the button that names them, ? explains.
import {selected} from './bulk.js';
import {$, $$, icon, make, on, store} from './page.js';
import {open as palette} from './palette.js';
import {choose, wants} from './signals.js';

const enabled = () => store.get('keys') !== 'off';
const without = () => new Set((store.get('keys-without') || '').split(',').filter(Boolean));
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
const ASKED = {r: '/resolve', s: '/snooze'}; // rows have no room for these buttons; the pages behind them ask first
function press(key) {
  const many = selected() && $(`[data-bulk-key="${key}"]`);
  if (many) { many.click(); return; }
  const mine = row();
  const found = mine && $$(`[data-key="${key}"]`, mine).find(seen);
  const link = mine && !found && ASKED[key] && $('input[name=id]', mine) && $('a.title', mine);
  if (link) { location.assign(link.pathname + ASKED[key]); return; }
  const target = found || $$(`[data-key="${key}"]`).find((element) => !inRows(element) && (seen(element) || element.closest('.menu')));
  if (target?.matches('textarea, input')) { target.focus(); target.scrollIntoView({block: 'center'}); } else target?.click();
}
function search() {
  const field = $$('input[type=search]').find(seen);
  if (field) field.focus(); else palette();
}
function leave(event) {
  if (typing(event.target)) { if (!event.target.closest('dialog')) event.target.blur(); return; }
  if (!$('dialog[open]') && !$('details.menu[open]')) $('.topbar a.back')?.click();
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.key === 'Escape') { if (enabled() && !without().has('Esc')) leave(event); return; }
  if (typing(event.target)) return;
  if (event.key === '?') { event.preventDefault(); help(); return; }
  if (!enabled() || without().has(event.key)) return;
  if (event.key === 'j' || event.key === 'k') walk(event.key === 'j' ? 1 : -1);
  else if (event.key === 'x') $('input[type=checkbox]', row() || document.createElement('i'))?.click();
  else if (event.key === '/') { event.preventDefault(); search(); }
  else if (/^[a-z]$/.test(event.key)) { if (event.key === 'n') event.preventDefault(); press(event.key); }
});

const KEYS = [['j', 'next row'], ['k', 'previous row'], ['x', 'select'], ['a', 'acknowledge'], ['r', 'resolve'], ['s', 'snooze'],
  ['e', 'escalate now'], ['n', 'write a note'], ['/', 'search'], ['Esc', 'leave a field, or back']];
const FIXED = [['Enter', 'open'], ['Ctrl K', 'find anything'], ['?', 'this list']];
const name = (element) => element.getAttribute('aria-label') || [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join(' ').trim();
function toggle(text, on, change, attributes = {}) {
  const box = make('input', {type: 'checkbox', ...attributes});
  box.checked = on;
  box.addEventListener('change', () => change(box.checked));
  return make('label', {class: 'check'}, box, text);
}
function key(letter, what) {
  const off = without();
  const text = make('span', {}, make('kbd', {}, letter), ` ${what}`);
  return toggle(text, !off.has(letter), (yes) => { off[yes ? 'delete' : 'add'](letter); store.set('keys-without', [...off].join(',')); });
}
function help() {
  if ($('dialog[open]')) return;
  const back = document.activeElement;
  const more = $$('[data-key]').map((element) => [element.dataset.key, name(element).toLowerCase()]).filter(([letter, what]) => what && !KEYS.some(([known]) => known === letter));
  const list = make('div', {class: 'stack tight'}, ...[...KEYS, ...new Map(more)].map(([letter, what]) => key(letter, what)),
    ...FIXED.map(([letter, what]) => make('p', {class: 'row keep tight'}, make('kbd', {}, letter), make('span', {}, what))));
  const round = {class: 'switch', role: 'switch'};
  const close = make('button', {class: 'btn ghost icon', 'aria-label': 'Close'}, icon('close'));
  const dialog = make('dialog', {class: 'dialog', 'aria-labelledby': 'keys'},
    make('header', {}, make('h2', {id: 'keys'}, 'Keyboard and signals'), make('form', {method: 'dialog'}, close)),
    make('div', {class: 'in', tabindex: '0', role: 'region', 'aria-label': 'Keys'}, list),
    make('footer', {}, toggle('Single-key shortcuts', enabled(), (yes) => store.set('keys', yes ? 'on' : 'off'), round),
      toggle('Toast when this page changes', wants('toast'), (yes) => choose('toast', yes), round),
      toggle('Sound when more wait', wants('sound'), (yes) => choose('sound', yes), round)));
  dialog.addEventListener('close', () => { dialog.remove(); back?.focus?.(); });
  document.body.append(dialog);
  dialog.showModal();
}
on('click', '[data-help]', help);
