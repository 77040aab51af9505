// The command palette: Ctrl-K finds pages, incidents, services, people and actions. /search is the same as a page.
import {$, $$, icon, make, on} from './page.js';

const CELLS = 'a[data-hit], button[data-hit]';
let asked = 0;

async function find(text, into) {
  const mine = ++asked;
  const answer = await fetch(`/search?q=${encodeURIComponent(text)}`, {credentials: 'same-origin', headers: {'HX-Request': 'true', 'HX-Target': 'div#found'}}).catch(() => null);
  if (mine !== asked) return; // a later letter has been typed
  if (!answer?.ok || answer.redirected) { into.replaceChildren(make('p', {class: 'in', role: 'alert'}, 'Nothing can be found just now. Try again in a moment.')); return; }
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  into.replaceChildren(...page.body.childNodes);
}
function step(dialog, by) {
  const hits = $$(CELLS, dialog);
  if (!hits.length) return;
  const here = hits.indexOf(document.activeElement);
  if (here + by < 0) { $('input', dialog).focus(); return; }
  hits[Math.min(here + by, hits.length - 1)].focus();
}
export function open() {
  if ($('dialog[open]')) return;
  const back = document.activeElement;
  const input = make('input', {class: 'input', type: 'text', 'aria-label': 'Find an incident, service, person, page or action', placeholder: '#142, a title, a service, a person, a page…', autocomplete: 'off', maxlength: 100});
  const found = make('div', {class: 'in', 'aria-live': 'polite'});
  const close = make('button', {class: 'btn ghost icon', 'aria-label': 'Close'}, icon('close'));
  const dialog = make('dialog', {class: 'dialog', 'aria-label': 'Find'}, make('header', {}, input, make('form', {method: 'dialog'}, close)), found);
  let wait;
  input.addEventListener('input', () => { clearTimeout(wait); wait = setTimeout(() => find(input.value, found), 120); });
  dialog.addEventListener('keydown', (event) => {
    const by = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (by) { event.preventDefault(); step(dialog, by); }
    if (event.key === 'Enter' && event.target === input) { event.preventDefault(); $(CELLS, found)?.click(); }
  });
  dialog.addEventListener('close', () => { dialog.remove(); back?.focus?.(); });
  document.body.append(dialog);
  dialog.showModal();
  input.focus();
  find('', found);
}
document.addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') { event.preventDefault(); open(); }
});
on('click', '[data-palette]', (event) => { if (!event.ctrlKey && !event.metaKey) { event.preventDefault(); open(); } });
