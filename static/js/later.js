// Without a connection: what is pressed is refused in plain words, and an acknowledge can wait until there is one.
import {refresh, suspect} from './live.js';
import {$, $$, make, meta, on, store, toast} from './page.js';

const viewer = meta('viewer');
const worker = navigator.serviceWorker;
const WAITS = /^\/incidents\/(\d+)\/acknowledge$/;
const target = (form, button) => new URL(button?.hasAttribute('formaction') ? button.formAction : form.action, location.href).pathname;
const reached = () => fetch('/healthz', {cache: 'no-store', signal: AbortSignal.timeout(3000)}).then((answer) => answer.ok, () => false);

// Registered before the part that marks a form as sent, so that a refused one is not.
document.addEventListener('submit', async (event) => {
  const {target: form, submitter} = event;
  if (!viewer || form.method !== 'post' || form.matches('[data-sign-out]') || form.dataset.reached || !suspect()) { delete form.dataset.reached; return; }
  event.preventDefault();
  event.stopImmediatePropagation();
  if (await reached()) { form.dataset.reached = 'yes'; form.requestSubmit(submitter || undefined); return; }
  const number = target(form, submitter).match(WAITS)?.[1];
  if (number && worker?.controller && globalThis.caches) ask(number, submitter);
  else toast('You are offline, so nothing was sent. What you typed is kept; press again when you are back.', 'caution');
}, true);

function ask(number, button) {
  const yes = make('button', {class: 'btn primary lg', value: 'yes'}, 'Send when online');
  const dialog = make('dialog', {class: 'dialog', 'aria-labelledby': 'later'},
    make('header', {}, make('h2', {id: 'later'}, 'You are offline')),
    make('p', {class: 'in flat'}, `#${number} is not acknowledged. Somebody else may take it before you are back; you are told if so.`),
    make('form', {method: 'dialog', class: 'row in'}, make('button', {class: 'btn lg', value: 'no', autofocus: true}, 'Cancel'), yes));
  document.body.append(dialog);
  dialog.addEventListener('close', async () => {
    dialog.remove();
    if (dialog.returnValue === 'yes') await keep(number);
    else button?.focus();
  });
  dialog.showModal();
}
async function keep(number) {
  const entry = {id: crypto.randomUUID(), incident: number, url: `/api/v1/incidents/${number}/acknowledge`, token: meta('csrf-token')};
  const cache = await caches.open(`later:${viewer}`);
  await cache.put(`/later/${number}`, new Response(JSON.stringify(entry))); // one for each incident, however often it is pressed
  await show();
  toast(`#${number} is acknowledged as soon as you are online. Until then it goes on paging others.`, 'caution');
  const registration = await worker.ready;
  await registration.sync?.register('later').catch(() => undefined);
}
async function show() { // what waits says so where its button is
  if (!viewer || !globalThis.caches || !(await caches.has(`later:${viewer}`))) return;
  const waiting = (await (await caches.open(`later:${viewer}`)).keys()).map(({url}) => url.split('/').pop());
  for (const form of $$('form')) for (const button of $$('button', form)) {
    if (waiting.includes(target(form, button).match(WAITS)?.[1])) { button.disabled = true; button.textContent = 'Waits to be sent'; }
  }
}
const send = () => viewer && worker?.controller?.postMessage({type: 'send-later', viewer, token: meta('csrf-token')});
worker?.addEventListener('message', ({data}) => {
  if (data?.type !== 'told') return;
  toast(data.text, data.good ? 'calm' : 'caution');
  refresh();
});
addEventListener('online', send);
document.addEventListener('htmx:ws:after:connection', send);
show().then(send);

// --- the offer to install: on the profile, and once after the first acknowledge
let offer = null;
const installed = () => matchMedia('(display-mode: standalone)').matches || navigator.standalone;
function suggest() {
  if (!offer || installed()) return;
  for (const button of $$('[data-install]')) button.hidden = false;
  if (store.get('acknowledged') !== 'yes' || store.get('install-offered') || !$('#main')) return;
  store.set('install-offered', 'yes');
  $('#main').prepend(make('div', {class: 'banner', 'data-tone': 'info', role: 'status'},
    make('p', {class: 'grow'}, 'Put OnCall on this device: it opens faster, and shows what you saw last without a network.'),
    make('button', {class: 'btn', type: 'button', 'data-install': true}, 'Install'),
    make('button', {class: 'btn ghost', type: 'button', 'data-dismiss': true}, 'Not now')));
}
addEventListener('beforeinstallprompt', (event) => { event.preventDefault(); offer = event; suggest(); });
addEventListener('appinstalled', () => { offer = null; for (const button of $$('[data-install]')) (button.closest('.banner') || button).remove(); });
on('submit', 'form', (event, form) => { if (WAITS.test(target(form, event.submitter))) store.set('acknowledged', 'yes'); }, true);
on('click', '[data-install]', async (_, button) => {
  const asked = offer;
  offer = null;
  button.closest('.banner')?.remove();
  await asked?.prompt();
});
