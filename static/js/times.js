// Times: the server writes UTC, here they become the reader's zone; ages tick, countdowns count.
import {$$, meta, say} from './page.js';

const skew = Date.parse(meta('server-time')) - Date.now() || 0; // the server's clock decides what "in 48 s" means
const now = () => Date.now() + skew;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const format = (options) => new Intl.DateTimeFormat(navigator.language, {hourCycle: 'h23', ...options});
const clock = format({hour: '2-digit', minute: '2-digit'});
const short = format({weekday: 'short', hour: '2-digit', minute: '2-digit'});
const stamp = format({day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit'});
const dated = format({day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit'});
const day = format({weekday: 'long', day: 'numeric', month: 'long'});
const full = format({dateStyle: 'full', timeStyle: 'long'});
const DAY = 86400;

export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < DAY) return `${Math.floor(s / 3600)} h${s % 3600 >= 60 ? ` ${Math.floor(s % 3600 / 60)} min` : ''}`;
  return `${Math.floor(s / DAY)} d${s % DAY >= 3600 ? ` ${Math.floor(s % DAY / 3600)} h` : ''}`;
}
const short_span = (s) => (s < 60 ? 'under 1 min' : span(s));

function words(at, how) {
  const past = (now() - at) / 1000;
  if (how === 'clock') return clock.format(at);
  if (how === 'day') return day.format(at);
  if (how === 'age') return short_span(past);
  if (how === 'ago') return past < 60 ? 'just now' : `${span(past)} ago`;
  if (how === 'in') return past >= 0 ? 'now' : -past < 7 * DAY ? `in ${short_span(-past)}` : stamp.format(at);
  if (how === 'until') return Math.abs(past) < 6 * DAY ? short.format(at) : stamp.format(at);
  return Math.abs(past) < 180 * DAY ? stamp.format(at) : dated.format(at);
}

function write(element) {
  const at = new Date(element.dateTime);
  if (isNaN(at)) return;
  const text = words(at, element.dataset.time);
  if (element.textContent !== text) element.textContent = text;
  if (!element.title) element.title = `${full.format(at)} (${zone})`;
}

const figure = (s) => (s < 3600 ? `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}` : `${Math.floor(s / 3600)} h`);
function count(element) {
  const left = Math.max(0, Math.ceil((Date.parse(element.dataset.until) - now()) / 1000));
  if (element.dataset.total) { // the ring
    element.children[1].setAttribute('stroke-dasharray', `${Math.min(100, 100 * left / element.dataset.total)} 100`);
    element.children[2].textContent = figure(left);
    return;
  }
  const text = left ? span(left) : 'now';
  if (element.textContent === text) return;
  element.textContent = text;
  if ((left === 60 || left === 10) && element.getAttribute('role') === 'timer') say(`${element.dataset.label || 'Next step'} in ${left} seconds`);
}

export function localise(root = document) {
  $$('time[data-time]', root).forEach(write);
  $$('[data-until]', root).forEach(count);
}

let beat = 0;
setInterval(() => {
  if (++beat % 15 === 0) $$('time[data-time]').forEach(write); // also carries the page over midnight
  $$('[data-until]').forEach(count);
}, 1000);
document.addEventListener('visibilitychange', () => document.hidden || localise());
document.addEventListener('htmx:after:swap', () => localise());
localise();
