// The service worker: shows a push, opens its page, acknowledges from the notification. It caches nothing.
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

const shown = (title, options) => self.registration.showNotification(title, {icon: '/static/brand/icon-192.png', badge: '/static/brand/icon-192.png', ...options});

self.addEventListener('push', (event) => {
  let told = {};
  try { told = event.data.json(); } catch { told = {title: 'OnCall', body: event.data?.text() || 'Something needs you'}; }
  const critical = told.severity === 'critical';
  event.waitUntil(shown(told.title || 'OnCall', {
    body: told.body || '',
    tag: told.incident ? `incident-${told.incident}` : told.tag,
    renotify: Boolean(told.incident || told.tag),
    requireInteraction: critical,
    silent: Boolean(told.silent),
    ...(told.silent ? {} : {vibrate: critical ? [300, 100, 300, 100, 300] : [200]}), // both at once is a TypeError
    timestamp: told.at ? Date.parse(told.at) : Date.now(),
    data: {url: told.url || '/', acknowledge_url: told.acknowledge_url || '', incident: told.incident},
    actions: told.actions || (told.acknowledge_url ? [{action: 'acknowledge', title: 'Acknowledge'}, {action: 'open', title: 'Open'}] : []),
  }));
});

// Links carry the public address; this site may be open under another name of the same server.
const here = (url) => { const {pathname, search} = new URL(url, self.location.origin); return new URL(pathname + search, self.location.origin); };

async function open(url) {
  const target = here(url);
  const tabs = await self.clients.matchAll({type: 'window', includeUncontrolled: true});
  const tab = tabs.find((one) => new URL(one.url).pathname === target.pathname);
  if (tab) { await tab.focus(); return; }
  await self.clients.openWindow(target.href);
}

async function acknowledge(notification) {
  const {url, acknowledge_url: link} = notification.data;
  const tag = notification.tag;
  try {
    const answer = await fetch(here(link), {method: 'POST', headers: {Accept: 'application/json'}, credentials: 'omit', signal: AbortSignal.timeout(8000)});
    const told = await answer.json().catch(() => ({}));
    const text = told.text || told.detail || (answer.ok ? 'Acknowledged' : '');
    if (!answer.ok && answer.status !== 409) throw new Error(text);
    await shown(text || 'Acknowledged', {body: notification.title, tag, silent: true, data: {url}});
  } catch (error) { // never a silent failure: the page is opened, and the notification says so
    await shown('Not acknowledged', {body: `${error.message || 'No answer from the server.'} Press to open.`, tag, requireInteraction: true, data: {url}});
    await open(url);
  }
}

self.addEventListener('notificationclick', (event) => {
  const {notification, action} = event;
  notification.close();
  event.waitUntil(action === 'acknowledge' && notification.data.acknowledge_url ? acknowledge(notification) : open(notification.data.url));
});

// The browser renewed its subscription by itself: the next visit of a page tells the server.
self.addEventListener('pushsubscriptionchange', (event) => {
  event.waitUntil(self.registration.pushManager.subscribe(event.oldSubscription?.options || {userVisibleOnly: true}).catch(() => undefined));
});
