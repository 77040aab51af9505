// Writing a postmortem: what is typed is kept on the server 10 s after the last key, previews and formats without leaving the
// page. Everything here is also done by the plain form.
import {$, $$, meta, on, toast} from './page.js';

const form = $('[data-editor]');
const QUIET = 10000, AGAIN = 5000;
let typed = 0, kept = 0, waiting = null, lost = false, sending = null;

const status = (text) => { const line = $('[data-kept]'); if (line) line.textContent = text; };
const post = (url, body, signal) => fetch(url, {method: 'POST', body, signal, headers: {'X-CSRF-Token': meta('csrf-token')}, redirect: 'manual', keepalive: false});

async function keep() {
  clearTimeout(waiting);
  if (!form || typed === kept) return;
  if (sending) { waiting = setTimeout(keep, AGAIN); return; }
  const at = typed;
  const mine = sending = new AbortController();
  try {
    answered(at, await post(form.dataset.keep, new FormData(form), mine.signal));
  } catch { // the text stays in the fields; tried again until it is kept
    if (mine.signal.aborted) return;
    lost = true;
    status('Not kept: no connection. Your text stays here.');
    waiting = setTimeout(keep, AGAIN);
  } finally { sending = null; }
}

function answered(at, answer) {
  if (answer.status === 204) {
    kept = Math.max(kept, at);
    if (lost) toast('The connection is back. Your text is kept.');
    status(typed === kept ? 'Kept as your draft' : '');
  } else {
    status('Not kept: save to see why.');
    if (answer.status >= 500) waiting = setTimeout(keep, AGAIN);
  }
  lost = false;
}

function changed() {
  typed += 1;
  clearTimeout(waiting);
  waiting = setTimeout(keep, QUIET);
  if (!lost) status('');
}

const FORMATS = {bold: ['**', '**'], italic: ['*', '*'], link: ['[', '](https://)'], code: ['`', '`'], list: ['- ', '']};
function format(area, name) {
  const [before, after] = FORMATS[name];
  const {selectionStart: from, selectionEnd: to, value} = area;
  const chosen = value.slice(from, to);
  const text = name === 'list' ? (chosen || '').split('\n').map((line) => before + line).join('\n') : before + chosen + after;
  area.focus();
  area.setRangeText(text, from, to, 'end');
  if (!chosen && after) area.setSelectionRange(from + before.length, from + before.length);
  area.dispatchEvent(new Event('input', {bubbles: true}));
}

async function preview(button) {
  const box = document.getElementById(button.dataset.show);
  const body = new FormData();
  body.set('body', $('textarea', button.closest('[data-section]')).value);
  const answer = await post(form.dataset.preview, body);
  if (!answer.ok) return false;
  box.innerHTML = await answer.text(); // made and sanitised by the server, as readers will get it
  box.hidden = false;
  return true;
}

if (form) {
  $$('[data-toolbar]').forEach((bar) => { bar.hidden = false; });
  form.addEventListener('input', changed);
  form.addEventListener('submit', (event) => {
    if (event.defaultPrevented) return;
    kept = typed;
    clearTimeout(waiting);
    sending?.abort();
  });
  addEventListener('online', keep);
  addEventListener('beforeunload', (event) => { if (typed !== kept) event.preventDefault(); });
  document.addEventListener('visibilitychange', () => { if (document.hidden) keep(); });
  on('click', '[data-format]', (_, button) => format($('textarea', button.closest('[data-section]')), button.dataset.format));
  on('click', '[data-show]', async (event, button) => {
    event.preventDefault();
    if (!await preview(button).catch(() => false)) status('No preview: no connection.');
  });
  on('keydown', '[data-section] textarea', (event, area) => {
    const name = {b: 'bold', i: 'italic', k: 'link'}[event.key.toLowerCase()];
    if (!name || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    format(area, name);
  }, true);
}

// --- the choice of rows
$$('[data-tick]').forEach((button) => { button.hidden = false; });
on('click', '[data-tick]', (_, button) => $$('input[name="row"]', button.form).forEach((box) => {
  box.checked = button.dataset.tick === 'all' || !('noise' in box.dataset);
}));
