// Dragging over the lanes of a schedule opens the form of an override with these times; links and the form do the same.
const NEAR = 8; // pixels: less is a click
const SVG = 'http://www.w3.org/2000/svg';
let drag = null;

function wall(instant, zone) { // what a clock in the zone shows: 2026-03-29T14:30
  const parts = Object.fromEntries(new Intl.DateTimeFormat('en-CA', {timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit',
    day: '2-digit', hour: '2-digit', minute: '2-digit'}).formatToParts(instant).map((part) => [part.type, part.value]));
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}`;
}

function span(lane, from, to) {
  const {left, width} = lane.getBoundingClientRect();
  const start = Date.parse(lane.dataset.start), whole = Date.parse(lane.dataset.end) - start;
  const step = whole > 3 * 864e5 ? 36e5 : 9e5; // a day is drawn fine enough for quarters of an hour
  return [Math.min(from, to), Math.max(from, to)].map((x) => {
    const part = Math.min(1, Math.max(0, (x - left) / width));
    return Math.round((start + part * whole) / step) * step;
  });
}

function draw(lane, from, to) {
  const {left} = lane.getBoundingClientRect();
  drag.box ||= lane.appendChild(document.createElementNS(SVG, 'rect'));
  const at = {x: Math.min(from, to) - left, width: Math.abs(to - from), y: 2, height: lane.clientHeight - 4, rx: 4, class: 'dst', 'fill-opacity': 0.15};
  for (const [name, value] of Object.entries(at)) drag.box.setAttribute(name, value);
}

document.addEventListener('pointerdown', (event) => {
  const lane = event.target.closest?.('[data-drag]');
  if (lane && event.button === 0 && event.pointerType !== 'touch') drag = {lane, from: event.clientX, box: null};
});
document.addEventListener('pointermove', (event) => {
  if (drag && (drag.box || Math.abs(event.clientX - drag.from) > NEAR)) draw(drag.lane, drag.from, event.clientX);
});
document.addEventListener('pointerup', (event) => {
  const {lane, from, box} = drag || {};
  drag = null;
  if (!box) return;
  box.remove();
  addEventListener('click', (click) => { click.preventDefault(); click.stopPropagation(); }, {capture: true, once: true});
  const [starts, ends] = span(lane, from, event.clientX);
  if (ends <= Date.now() || ends <= starts) return;
  const zone = lane.dataset.zone;
  const asked = new URLSearchParams({starts: starts > Date.now() ? wall(starts, zone) : '', ends: wall(ends, zone), zone});
  setTimeout(() => location.assign(`${lane.dataset.drag}?${asked}`), 0);
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && drag) { drag.box?.remove(); drag = null; }
});
document.addEventListener('dragstart', (event) => { if (event.target.closest?.('[data-drag]')) event.preventDefault(); });
