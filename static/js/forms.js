// Forms: drafts kept per person, a question before what cannot be undone, copying, one press sends once.
import {$, $$, make, meta, on, say, store, toast} from './page.js';

// --- drafts: kept on this device per person, gone once sent or signed out
const viewer = meta('viewer');
const keyOf = (area) => `draft:${viewer}:${location.pathname}:${area.name}`;

function restore() {
  if (!viewer) { // signed out half-way: what was being sent is a draft again
    store.keys('draft:').forEach((key) => store.set(key, store.get(key).replace(/^sent:/, 'kept:')));
    return;
  }
  store.keys('draft:').filter((key) => !key.startsWith(`draft:${viewer}:`)).forEach(store.drop);
  const refused = $('[aria-invalid="true"]');
  for (const key of store.keys('draft:')) if (store.get(key).startsWith('sent:') && !refused) store.drop(key);
  for (const area of $$('textarea[data-draft]')) {
    const kept = store.get(keyOf(area));
    if (kept && !area.value) area.value = kept.slice(5);
  }
}
on('input', 'textarea[data-draft]', (_, area) => (area.value ? store.set(keyOf(area), `kept:${area.value}`) : store.drop(keyOf(area))));
const sent = (form) => $$('textarea[data-draft]', form).filter((area) => area.value).forEach((area) => store.set(keyOf(area), `sent:${area.value}`));
document.addEventListener('htmx:after:request', ({detail: {ctx}}) => {
  const form = ctx.request?.form;
  if (!form || ctx.response?.status >= 400) return;
  $$('input[name="csrf_token"]', form).forEach((token) => { token.value = ''; }); // what it sends next is something new
  $$('textarea[data-draft]', form).forEach((area) => { store.drop(keyOf(area)); area.value = ''; });
});
on('submit', 'form[data-sign-out]', () => {
  store.keys('draft:').forEach(store.drop);
  globalThis.caches?.keys().then((names) => names.filter((name) => name.includes(':')).forEach((name) => caches.delete(name)));
});
restore();

// --- asking first
function ask(form, submitter) {
  const yes = make('button', {class: 'btn primary lg', value: 'yes'}, form.dataset.confirmLabel || submitter?.textContent.trim() || 'Continue');
  const dialog = make('dialog', {class: 'dialog', 'aria-labelledby': 'ask'},
    make('header', {}, make('h2', {id: 'ask'}, form.dataset.confirm)),
    make('form', {method: 'dialog', class: 'row in'}, make('button', {class: 'btn lg', value: 'no', autofocus: true}, 'Cancel'), yes));
  document.body.append(dialog);
  dialog.addEventListener('close', () => {
    dialog.remove();
    if (dialog.returnValue !== 'yes') { submitter?.focus(); return; }
    form.dataset.confirmed = 'yes';
    form.requestSubmit(submitter || undefined);
  });
  dialog.showModal();
}
document.addEventListener('submit', (event) => {
  const form = event.target;
  const about = event.submitter?.dataset.confirm;
  if (about) { form.dataset.confirm = about; form.dataset.confirmLabel = event.submitter.textContent.trim(); }
  if (form.dataset.confirm && !form.dataset.confirmed) {
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(form, event.submitter);
    return;
  }
  delete form.dataset.confirmed;
  // Live renders are shared by viewers, so the token in them is empty: it is this session's that goes out, and behind it what
  // the form is known by when it is sent again.
  const token = $('input[name="csrf_token"]', form);
  if (token && meta('csrf-token')) token.value = `${meta('csrf-token')}~${token.value.split('~')[1] || Math.random().toString(36).slice(2) + Date.now()}`;
  if (form.dataset.busy) { event.preventDefault(); event.stopImmediatePropagation(); return; } // a double press sends once
  if (form.method === 'post') {
    form.dataset.busy = 'yes';
    setTimeout(() => delete form.dataset.busy, 1500);
    sent(form);
  }
}, true);
addEventListener('pageshow', () => $$('form[data-busy]').forEach((form) => delete form.dataset.busy));

// --- small things
on('click', '[data-copy]', async (_, button) => {
  const source = $(button.dataset.copy);
  const text = source?.value ?? source?.textContent ?? '';
  try {
    await navigator.clipboard.writeText(text);
    toast('Copied');
  } catch { // no permission, or plain http: select it, so that the keyboard can
    source?.select?.();
    say('Selected. Copy it with the keyboard.');
  }
});
on('change', '[data-submit-on-change]', (_, control) => control.form.requestSubmit());
