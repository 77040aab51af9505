// Boxes of the builder's picture are dragged, or moved with the arrow keys; where they stand is kept with the draft. The page comes
// anew from the server, which leads the arrows. Without script the picture places every box, and the outline does the rest.
import {$, meta, on, toast} from './page.js';

const GRID = 12, STEP = 24, FAR = 5000, QUIET = 500, NEAR = 4;
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
let held = null, dropped = false, moved = null, waiting = null;

const board = () => $('[data-place]');
const origin = (step) => { const box = $('rect', step); return [Number(box.getAttribute('x')), Number(box.getAttribute('y'))]; };
const within = (number) => Math.max(0, Math.min(FAR, Math.round(number / GRID) * GRID));

function show(step, x, y) {
  const [left, top] = origin(step);
  moved = {step, x: within(x), y: within(y)};
  step.setAttribute('transform', `translate(${moved.x - left} ${moved.y - top})`);
}

async function keep() {
  clearTimeout(waiting);
  const now = moved;
  moved = null;
  if (!now) return;
  const body = new FormData();
  for (const [name, value] of Object.entries({do: 'place', node: now.step.dataset.step, x: now.x, y: now.y})) body.set(name, value);
  try {
    const answer = await fetch(board().dataset.place, {method: 'POST', body, headers: {'X-CSRF-Token': meta('csrf-token')}});
    if (!answer.ok) throw new Error(answer.status);
    if (!moved && !held) take(new DOMParser().parseFromString(await answer.text(), 'text/html'));
  } catch {
    now.step.removeAttribute('transform');
    toast('It was not moved: try again.', 'danger');
  }
}

function take(fresh) { // the picture with its arrows, and the head with Undo and Save; the focus stays where it was
  if (!$('[data-place]', fresh)) throw new Error('another page'); // signed out meanwhile
  const focus = document.activeElement?.dataset?.step;
  for (const part of ['[data-place] svg.graph', '#main .head']) $(part).replaceWith($(part, fresh));
  if (focus) $(`[data-step="${focus}"]`)?.focus({preventScroll: true});
}

if (board()) $('[data-hint]').hidden = false;
on('pointerdown', '[data-step]', (event, step) => {
  dropped = false;
  if (event.button || event.pointerType === 'touch') return; // a finger moves the frame
  const svg = step.ownerSVGElement;
  const [x, y] = moved?.step === step ? [moved.x, moved.y] : origin(step);
  held = {step, x, y, from: [event.clientX, event.clientY], scale: svg.viewBox.baseVal.width / svg.getBoundingClientRect().width};
});
addEventListener('pointermove', (event) => {
  if (!held || !event.buttons) return;
  const [across, down] = [event.clientX - held.from[0], event.clientY - held.from[1]];
  if (!dropped && Math.hypot(across, down) < NEAR) return;
  dropped = true;
  show(held.step, held.x + across * held.scale, held.y + down * held.scale);
});
for (const end of ['pointerup', 'pointercancel']) addEventListener(end, () => { held = null; if (dropped) keep(); });
on('dragstart', '[data-step]', (event) => event.preventDefault());
on('click', '[data-step]', (event) => { if (dropped) event.preventDefault(); dropped = false; }, true);
on('keydown', '[data-step]', (event, step) => {
  const way = ARROWS[event.key];
  if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (moved && moved.step !== step) keep();
  const [x, y] = moved ? [moved.x, moved.y] : origin(step);
  show(step, x + way[0] * STEP, y + way[1] * STEP);
  clearTimeout(waiting);
  waiting = setTimeout(keep, QUIET);
});
on('focusout', '[data-step]', () => { if (!held) keep(); });
