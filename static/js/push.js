// Web push: this browser as a device that rings. A button with data-push="subscribe" and data-url does it.
import {$$, meta, on, store, toast} from './page.js';

const supported = 'serviceWorker' in navigator && 'PushManager' in globalThis;
const worker = () => navigator.serviceWorker.register('/sw.js');
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
const send = (url, method, body) => fetch(url, {
  method, credentials: 'same-origin', body: body && JSON.stringify(body),
  headers: {'Content-Type': 'application/json', 'X-CSRF-Token': meta('csrf-token')},
});

function same(subscription, key) { // a rotated key makes the old subscription useless
  const old = subscription.options.applicationServerKey;
  return old && String(new Uint8Array(old)) === String(bytes(key));
}
export async function subscribe(url, key = meta('vapid-key')) {
  const registration = await worker();
  await navigator.serviceWorker.ready;
  let subscription = await registration.pushManager.getSubscription();
  if (subscription && !same(subscription, key)) { await subscription.unsubscribe(); subscription = null; }
  subscription ??= await registration.pushManager.subscribe({userVisibleOnly: true, applicationServerKey: bytes(key)});
  const former = store.get('push') || undefined; // the same browser: it stays in its owner's rules
  const answer = await send(url, 'POST', {...subscription.toJSON(), former});
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  store.set('push', subscription.endpoint);
  return subscription;
}
async function unsubscribe(url) {
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = await registration?.pushManager.getSubscription();
  if (!subscription) return;
  await subscription.unsubscribe();
  if (url) await send(url, 'DELETE', {endpoint: subscription.endpoint});
}
const WHY = {
  NotAllowedError: 'Notifications are blocked for this site. Allow them in the browser, then press again.',
  AbortError: 'The browser could not reach its push service. Check the network and press again.',
};
on('click', '[data-push]', async (event, button) => {
  event.preventDefault();
  button.disabled = true;
  try {
    if (button.dataset.push === 'subscribe') {
      if (await Notification.requestPermission() !== 'granted') throw new DOMException('', 'NotAllowedError');
      await subscribe(button.dataset.url);
    } else await unsubscribe(button.dataset.url);
    location.reload();
  } catch (error) {
    toast(WHY[error.name] || `This browser was not changed: ${error.message}`, 'danger');
    button.disabled = false;
  }
});

// Signing out takes this browser off the list before the session ends.
on('submit', 'form[data-sign-out]', (event, form) => {
  if (!supported || form.dataset.left) return;
  event.preventDefault();
  form.dataset.left = 'yes';
  const go = () => form.submit();
  Promise.race([unsubscribe(meta('push-url')), new Promise((done) => setTimeout(done, 1000))]).then(go, go);
});

if (supported) {
  for (const button of $$('[data-push]')) button.hidden = false;
  if (meta('viewer')) worker().then(async (registration) => { // a rotated key or a renewed subscription heals at the next visit
    const subscription = await registration.pushManager.getSubscription();
    const url = meta('push-url');
    const told = subscription && same(subscription, meta('vapid-key')) && store.get('push') === subscription.endpoint;
    if (subscription && url && meta('vapid-key') && !told) await subscribe(url);
  }).catch(() => { /* no worker: pages work, pushes come by other devices */ });
}
