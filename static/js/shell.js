// The frame: toasts, menus, theme.
import {$, $$, on, toast} from './page.js';

on('click', '[data-dismiss]', (_, button) => button.closest('[data-toast], .banner').remove());
setTimeout(() => $$('.toast').forEach((note) => note.querySelector('[data-tone="calm"]') && note.remove()), 10000);
document.addEventListener('toast', ({detail}) => detail.items?.forEach(([tone, text]) => toast(text, tone === 'message' ? 'calm' : tone)));

// One menu at a time; a press outside, Escape, or a choice closes it.
document.addEventListener('click', ({target}) => {
  for (const menu of $$('details.menu[open]')) if (!menu.contains(target) || target.closest('.menu > div a, .menu > div button')) menu.open = false;
});
document.addEventListener('keydown', (event) => {
  const menu = event.key === 'Escape' && $('details.menu[open]');
  if (menu) { menu.open = false; $('summary', menu).focus(); }
});

// The theme lives in a cookie, so that the server writes it into the page and nothing flashes.
const dark = () => (document.documentElement.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
on('click', '[data-theme-switch]', () => {
  const next = dark() ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  document.cookie = `theme=${next};path=/;max-age=31536000;samesite=lax`;
});
const reveal = () => $$('[data-help][hidden], [data-theme-switch][hidden]').forEach((button) => { button.hidden = false; });
document.addEventListener('htmx:after:swap', reveal);
reveal();
