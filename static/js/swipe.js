// A finger across a row or an incident: to the right acknowledges, to the left opens what else can be done. Each is a button, too.
import {$$} from './page.js';

const FAR = 72, EDGE = 24; // pixels; at the edges the browser has a swipe of its own
let start = null;
const visible = (root, selector) => $$(selector, root).find((element) => element.checkVisibility());
const swiped = (element) => element.closest('[id^="row-"]') || element.closest('#strip, #about');
const scope = (place) => (place.matches('[id^="row-"]') ? place : document.querySelector('#main'));
const lead = (place) => visible(scope(place), '[data-key="a"]');
const more = (place) => visible(scope(place), '[data-more], #act details.menu > summary');

addEventListener('touchstart', ({touches, target}) => {
  const place = touches.length === 1 && target.closest && !target.closest('input, textarea, select, .lanes') && swiped(target);
  const {clientX: x, clientY: y} = touches[0];
  start = place && x > EDGE && x < innerWidth - EDGE ? {place, x, y} : null;
}, {passive: true});
addEventListener('touchmove', ({touches}) => {
  if (!start) return;
  const [x, y] = [touches[0].clientX - start.x, touches[0].clientY - start.y];
  if (Math.abs(y) > 24 && Math.abs(y) > Math.abs(x)) { drop(); return; }
  const possible = x > 0 ? lead(start.place) : more(start.place);
  start.place.style.transform = possible && Math.abs(x) > 12 ? `translateX(${Math.max(-FAR, Math.min(FAR, x))}px)` : '';
}, {passive: true});
addEventListener('touchend', ({changedTouches}) => {
  const from = start;
  drop();
  if (!from) return;
  const x = changedTouches[0].clientX - from.x;
  if (Math.abs(x) < FAR) return;
  (x > 0 ? lead : more)(from.place)?.click();
}, {passive: true});
addEventListener('touchcancel', drop);
function drop() {
  if (start) start.place.style.transform = '';
  start = null;
}
