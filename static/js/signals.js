// What a person is told of a change beside the page itself: a toast and a sound, each of which can be switched off.
import {store, toast} from './page.js';

export const wants = (what) => store.get(`signal-${what}`) !== 'off';
export const choose = (what, yes) => store.set(`signal-${what}`, yes ? 'on' : 'off');

let audio = null;
function tone(at, pitch) {
  const [wave, gain] = [audio.createOscillator(), audio.createGain()];
  wave.frequency.value = pitch;
  gain.gain.setValueAtTime(0.08, at);
  gain.gain.exponentialRampToValueAtTime(0.001, at + 0.25);
  wave.connect(gain).connect(audio.destination);
  wave.start(at);
  wave.stop(at + 0.25);
}
function sound() {
  if (!globalThis.AudioContext || navigator.userActivation?.hasBeenActive === false) return; // browsers want a press first
  audio ??= new AudioContext();
  tone(audio.currentTime, 660);
  tone(audio.currentTime + 0.18, 880);
}
const count = (text) => parseInt(text, 10) || 0;

// `element` says something else than before: told once, loudly only where more wait than before.
export function changed(element, before, text) {
  if (text && wants('toast')) toast(text, 'info');
  if ('sound' in element.dataset && count(text) > count(before) && wants('sound')) sound();
}
