// Live regions: says whether the page is live, keeps hand and eye where they are, offers new rows, polls when there is no socket.
import {$, $$, say, toast} from './page.js';
import {changed} from './signals.js';

// --- is the page live?
let live = null;
let lostAt = 0;
let poll = null;
function mark(state) {
  if (state === live) return;
  live = state;
  if (live) { lostAt = 0; clearInterval(poll); poll = null; show(true); return; }
  lostAt ||= Date.now();
  setTimeout(() => { if (!live) show(false); }, 5000);
  poll ??= setInterval(refresh, 15000);
}
function show(isLive) {
  for (const dot of $$('[data-live-state]')) {
    dot.classList.toggle('off', !isLive);
    dot.textContent = isLive ? 'Live' : 'Not live, reconnecting';
  }
  const banner = $('#not-live');
  if (!banner) return;
  const wasHidden = banner.hidden;
  banner.hidden = isLive;
  const kept = Number(banner.dataset.asOf); // the service worker's copy is older than this page
  if (isLive) delete banner.dataset.asOf;
  const since = new Date(kept || lostAt || Date.now()).toTimeString().slice(0, 5);
  $('p', banner).textContent = navigator.onLine && !kept ? `Not live since ${since}, reconnecting. The page refreshes every 15 s; all buttons work.` : `As of ${since}, offline. What you press now is not sent; an acknowledge can wait until you are back.`;
  if (isLive && !wasHidden) say('Live again');
}
export const suspect = () => !navigator.onLine || live === false || Boolean($('#not-live')?.dataset.asOf); // perhaps offline
const connected = () => Boolean($('#live'));
if (connected()) globalThis.htmx.process($('#live')); // htmx began by itself, perhaps before the script for sockets had come
document.addEventListener('htmx:ws:after:connection', () => mark(true));
document.addEventListener('htmx:ws:close', ({detail}) => {
  if (detail.reason === 'removed') return; // another page took over
  mark(false);
  if (detail.code === 1008) ended();
});
addEventListener('offline', () => connected() && mark(false));
addEventListener('online', () => { if (!live && connected()) refresh(); });
// A first connection that never opens gives no close event in time on some networks.
setTimeout(() => { if (connected() && live === null) mark(false); }, 5000);

document.addEventListener('htmx:ws:before:message:incoming', ({detail}) => {
  const text = detail.message.data;
  if (typeof text !== 'string' || text[0] !== '{') return;
  const told = JSON.parse(text);
  if ('live' in told) mark(told.live);
  if (told.warning) toast(told.warning, 'caution');
});

// --- without a socket the page is fetched again, and only what differs is changed
export function refresh() {
  if (!connected() || document.hidden) return;
  globalThis.htmx.ajax('GET', location.pathname + location.search, {source: '#live', target: '#main', select: '#main', swap: 'outerMorph', replace: 'false'});
}
document.addEventListener('htmx:before:response', (event) => {
  const {ctx} = event.detail;
  if (ctx.sourceElement?.id !== 'live') return;
  const {raw, status} = ctx.response;
  if (raw.redirected || status >= 400) event.preventDefault();
  if (raw.redirected || status === 401 || status === 403) ended();
});
function ended() {
  clearInterval(poll);
  show(false);
  const banner = $('#not-live p');
  if (!banner) return;
  const link = document.createElement('a');
  link.href = location.href;
  link.className = 'link';
  link.textContent = 'Load the page again';
  banner.replaceChildren('This page is no longer kept fresh: your login ended or your rights changed. ', link, '. What you typed is kept.');
}

// --- new rows are offered, not pushed under a finger
const offered = new Map(); // region id -> the ids of the rows that wait
let accepting = '';
function hold(list, fragment) {
  const fresh = fragment.id === list.id ? fragment : $(`#${CSS.escape(list.id)}`, fragment);
  if (!fresh || accepting === list.id) return;
  const here = new Set($$('[id^="row-"]', list).map((row) => row.id));
  const waiting = $$('[id^="row-"]', fresh).filter((row) => !here.has(row.id));
  waiting.forEach((row) => row.remove());
  offered.set(list.id, waiting.length);
  offer(list.id);
}
function offer(id) {
  const link = $(`[data-fresh="${CSS.escape(id)}"]`);
  const count = offered.get(id) || 0;
  if (!link) return;
  link.hidden = !count;
  const text = `${count} ${count === 1 ? link.dataset.one : link.dataset.many}`;
  if (count && $('span', link).textContent !== text) say(text);
  $('span', link).textContent = text;
}
document.addEventListener('click', async (event) => {
  const link = event.target.closest('[data-fresh]');
  if (!link) return;
  event.preventDefault();
  accepting = link.dataset.fresh;
  await globalThis.htmx.ajax('GET', location.pathname + location.search, {source: '#live', target: '#main', select: '#main', swap: 'outerMorph', replace: 'false'});
  accepting = '';
  offered.delete(link.dataset.fresh);
  offer(link.dataset.fresh);
});

// --- focus stays, and what changed is said
let focused = null;
const heard = new Map();
const listen = () => $$('[data-announce], [data-sound]').forEach((element) => {
  const text = element.dataset.announce || '';
  const key = element.id || element.closest('[id]')?.id || 'page';
  if (heard.has(key) && heard.get(key) !== text) {
    if (text) say(text, 'announceLoud' in element.dataset);
    changed(element, heard.get(key), text);
  }
  heard.set(key, text);
});
document.addEventListener('htmx:before:swap', ({detail}) => {
  focused = document.activeElement;
  for (const task of detail.tasks) for (const list of $$('[data-offer][id]')) {
    if (task.swapSpec?.style?.endsWith('Morph')) for (const child of task.fragment.children) hold(list, child);
  }
});
document.addEventListener('htmx:after:swap', () => {
  if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({preventScroll: true});
  offered.forEach((_, id) => offer(id));
  show(live !== false || Date.now() - lostAt < 5000);
  listen();
});
listen();
