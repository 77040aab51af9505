// Many rows at once: the bar shows while something is ticked; ticks outlive every refresh of the list.
import {$, $$, on, say} from './page.js';

const bar = () => $('[data-bulk]');
const boxes = () => $$('#list input[name=id]');
const ticked = new Set();
export const selected = () => ticked.size > 0;

function show() {
  if (!bar()) return;
  bar().hidden = !ticked.size;
  $('[data-bulk-count]', bar()).textContent = `${ticked.size} selected`;
}
function restore() {
  const here = boxes();
  for (const id of [...ticked]) if (!here.some((box) => box.value === id)) ticked.delete(id); // gone from the list
  for (const box of here) box.checked = ticked.has(box.value);
  show();
}
on('change', '#list input[name=id]', (_, box) => {
  ticked[box.checked ? 'add' : 'delete'](box.value);
  show();
  say(`${ticked.size} selected`);
});
document.addEventListener('reset', ({target}) => { if (target.id === 'list') { ticked.clear(); show(); } });
document.addEventListener('htmx:after:swap', restore);
addEventListener('pageshow', () => { boxes().forEach((box) => box.checked && ticked.add(box.value)); show(); });
show();

// What can be taken back for some seconds only does not stand there any longer.
for (const form of $$('[data-gone-after]')) setTimeout(() => form.remove(), form.dataset.goneAfter * 1000);
