// The service worker: keeps what was seen for when there is no network, sends what was left for later, shows pushes.
const SHELL = 'shell', PAGES = 'pages:', LATER = 'later:'; // the names of the last two end with whose they are
const DAY = 86400000, MOST = 22, OPENING = 500, WAITING = 4000;
const KEPT = /^\/(?:incidents(?:\/\d+)?|on-call)$/;
let pressed = 0; // after a press the answer of the server is waited for, never an older copy

self.addEventListener('install', (event) => { self.skipWaiting(); event.waitUntil(prepare().catch(() => undefined)); });
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

// --- the files of the pages, so that a kept page looks and works as it did
async function prepare() {
  const answer = await fetch('/offline', {credentials: 'omit', cache: 'reload'});
  const cache = await caches.open(SHELL), seen = new Set();
  await cache.put('/offline', answer.clone());
  const parts = (await answer.text()).matchAll(/(?:href|src|content)="(\/static\/[^"#]+)/g);
  await Promise.all([...parts].map(([, url]) => keep(cache, new URL(url, self.location.origin), seen)));
}
async function keep(cache, url, seen) {
  if (seen.has(url.href)) return;
  seen.add(url.href);
  const answer = await fetch(url, {cache: 'no-cache'});
  if (!answer.ok) return;
  await cache.put(url, answer.clone());
  if (!url.pathname.startsWith('/static/js/')) return;
  const names = (await answer.text()).matchAll(/^import .*?'(\.\/[\w-]+\.js)'/gm);
  await Promise.all([...names].map(([, name]) => keep(cache, new URL(name, url), seen)));
}
async function file(event) {
  const url = new URL(event.request.url), cache = await caches.open(SHELL);
  const kept = await cache.match(event.request);
  if (kept && url.searchParams.has('v')) return kept; // its address changes when it does
  const network = fetch(event.request).then(async (answer) => {
    if (!answer.ok) return answer;
    if (url.searchParams.has('v')) await cache.delete(url.pathname, {ignoreSearch: true});
    await cache.put(event.request, answer.clone());
    return answer;
  });
  if (!kept) return network;
  event.waitUntil(network.catch(() => undefined));
  return await soon(network, OPENING) || kept;
}
const soon = (promise, ms) => Promise.race([promise.catch(() => null), new Promise((done) => { setTimeout(done, ms, null); })]);

// --- pages: from the network; where that is away or very slow, the copy of the same person, with its age
const named = async (prefix) => (await caches.keys()).filter((name) => name.startsWith(prefix));
const empty = async (prefix, but = '') => Promise.all((await named(prefix)).filter((name) => name !== prefix + but).map((name) => caches.delete(name)));
const meta = (html, name) => html.match(new RegExp(`<meta name="${name}" content="([^"]*)"`))?.[1] || '';

async function remember(url, answer) {
  if (!answer.ok || !answer.headers.get('content-type')?.startsWith('text/html')) return;
  const html = await answer.text(), viewer = meta(html, 'viewer');
  if (viewer) await Promise.all([empty(PAGES, viewer), empty(LATER, viewer)]);
  else if (url.pathname.startsWith('/login')) await empty(PAGES);
  if (!viewer || !KEPT.test(url.pathname)) return;
  const headers = new Headers(answer.headers), cache = await caches.open(PAGES + viewer), key = url.pathname + url.search;
  headers.delete('content-encoding');
  headers.set('X-Kept-At', Date.now());
  headers.set('X-Kept-Until', Math.min(Date.now() + DAY, Date.parse(meta(html, 'login-until')) || 0));
  await cache.delete(key, {ignoreVary: true});
  await cache.put(key, new Response(html, {headers}));
  const keys = await cache.keys(); // oldest first
  await Promise.all(keys.slice(0, Math.max(0, keys.length - MOST)).map((old) => cache.delete(old, {ignoreVary: true})));
}
async function copies() {
  const [name] = await named(PAGES);
  if (!name) return [];
  const cache = await caches.open(name), keys = await cache.keys();
  const found = await Promise.all(keys.map(async (key) => ({key, url: new URL(key.url), answer: await cache.match(key, {ignoreVary: true})})));
  const [good, old] = [[], []];
  for (const one of found) (Number(one.answer?.headers.get('X-Kept-Until')) > Date.now() ? good : old).push(one);
  await Promise.all(old.map(({key}) => cache.delete(key, {ignoreVary: true})));
  return good;
}
const clock = (at) => { const time = new Date(Number(at)); return (Date.now() - at > DAY / 2 ? `${time.toLocaleDateString()} ` : '') + time.toTimeString().slice(0, 5); };
async function old({answer}, why) {
  const html = await answer.text(), at = answer.headers.get('X-Kept-At');
  const words = `As of ${clock(at)}, ${why}.`;
  const still = html.replaceAll('class="live" data-live-state>Live<', 'class="live off" data-live-state>Not live<');
  return new Response(still.replace(/(<div class="banner" id="not-live"[^>]*?) hidden>([\s\S]*?<p class="grow">)/, `$1 data-as-of="${at}">$2${words}`), {headers: answer.headers});
}
async function offline(was) {
  const kept = await (await caches.open(SHELL)).match('/offline');
  if (!kept) return Response.error();
  const lines = await Promise.all((await copies()).reverse().map(async ({url, answer}) => {
    const title = (await answer.text()).match(/<title>([^<]*)<\/title>/)?.[1] || url.pathname; // escaped as it stands
    return `<li><a class="link" href="${url.pathname}${url.search.replaceAll('"', '')}">${title.replace(/ · OnCall$/, '')}</a><span class="sub">as of ${clock(answer.headers.get('X-Kept-At'))}</span></li>`;
  }));
  const html = (await kept.text()).replace('<li data-kept hidden></li>', lines.join('')).replace(`data-was="${was}" hidden`, `data-was="${was}"`);
  return new Response(html, {status: 503, headers: kept.headers});
}
async function visit(event) {
  const url = new URL(event.request.url);
  const network = fetch(event.request);
  event.waitUntil(network.then((answer) => remember(url, answer.clone())).catch(() => undefined));
  const kept = KEPT.test(url.pathname) && Date.now() - pressed > 10000 ? (await copies()).find((one) => one.url.pathname + one.url.search === url.pathname + url.search) : null;
  if (!kept) return network.catch(() => offline('visited'));
  const opening = !(await self.clients.matchAll({type: 'window'})).length;
  const first = await Promise.race([network.catch(() => 'away'), new Promise((done) => { setTimeout(done, opening ? OPENING : WAITING, 'slow'); })]);
  if (first instanceof Response) return first;
  if (first === 'slow') event.waitUntil(network.then((answer) => late(answer, event.resultingClientId)).catch(() => undefined));
  return old(kept, first === 'away' ? 'offline' : 'while the network is slow');
}
// The login has ended while its copy was shown: the copy goes at once.
async function late(answer, id) {
  if (answer.ok) return;
  await empty(PAGES);
  const client = await self.clients.get(id);
  await client?.navigate(client.url);
}
async function press(request) {
  pressed = Date.now();
  if (new URL(request.url).pathname === '/logout') await Promise.all([empty(PAGES), empty(LATER)]);
  return fetch(request).catch(() => offline('pressed'));
}
self.addEventListener('fetch', (event) => {
  const {method, mode, url} = event.request, {origin, pathname} = new URL(url);
  if (origin !== self.location.origin) return;
  if (mode === 'navigate') event.respondWith(method === 'GET' ? visit(event) : press(event.request));
  else if (method === 'GET' && pathname.startsWith('/static/')) event.respondWith(file(event));
});

// --- what somebody chose to send once they are back: once each, and what came of it is told
const sendAll = (token, viewer) => navigator.locks.request('later', async () => {
  for (const name of await named(LATER)) {
    if (viewer && name !== LATER + viewer) continue; // the token and the cookie are this person's
    const cache = await caches.open(name);
    for (const key of await cache.keys()) {
      const entry = await (await cache.match(key)).json();
      const answer = await fetch(entry.url, {method: 'POST', credentials: 'same-origin', body: '{}', headers: {
        Accept: 'application/json', 'Content-Type': 'application/json', 'X-CSRF-Token': token || entry.token, 'Idempotency-Key': entry.id}}).catch(() => null);
      if (!answer || answer.status >= 500 || [401, 408, 429].includes(answer.status) || (answer.status === 403 && !token)) return; // it waits on
      await cache.delete(key);
      const detail = answer.ok ? '' : (await answer.json().catch(() => ({}))).detail || `the server answered ${answer.status}`;
      await tell(entry, answer.ok ? `#${entry.incident} is acknowledged, sent just now.` : `#${entry.incident} was not acknowledged by you: ${detail.replace(/\.$/, '')}.`, answer.ok);
    }
  }
});
async function tell(entry, text, good) {
  const pages = (await self.clients.matchAll({type: 'window'})).filter((one) => one.visibilityState === 'visible');
  for (const one of pages) one.postMessage({type: 'told', text, good, incident: entry.incident});
  if (!pages.length && self.Notification?.permission === 'granted') await shown(text, {tag: `incident-${entry.incident}`, data: {url: `/incidents/${entry.incident}`}});
}
self.addEventListener('message', (event) => { if (event.data?.type === 'send-later') event.waitUntil(sendAll(event.data.token, event.data.viewer)); });
self.addEventListener('sync', (event) => { if (event.tag === 'later') event.waitUntil(sendAll('')); });

// --- pushes
const shown = (title, options) => self.registration.showNotification(title, {icon: '/static/brand/icon-192.png', badge: '/static/brand/badge-96.png', ...options});

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
