// Passkeys: a button with data-passkey="add" or "use", data-options (where the challenge is) and data-url (where the answer goes).
import {$, $$, meta, on, toast} from './page.js';

const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
const encode = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
const WHY = {
  NotAllowedError: 'The device was not asked, or said no. Press again to try once more.',
  InvalidStateError: 'This device has a passkey for you already.',
};

async function post(url, body) {
  const answer = await fetch(url, {
    method: 'POST', credentials: 'same-origin', body: JSON.stringify(body || {}),
    headers: {'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRF-Token': meta('csrf-token')},
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail || `the server answered ${answer.status}`);
  return said;
}

const keys = (list) => (list || []).map((key) => ({...key, id: decode(key.id)}));
async function ask(kind, given) {
  const publicKey = {...given, challenge: decode(given.challenge)};
  if (kind === 'add') {
    publicKey.user = {...given.user, id: decode(given.user.id)};
    publicKey.excludeCredentials = keys(given.excludeCredentials);
    return navigator.credentials.create({publicKey});
  }
  publicKey.allowCredentials = keys(given.allowCredentials);
  return navigator.credentials.get({publicKey});
}

function plain(made) { // PublicKeyCredential.toJSON is not everywhere yet
  const response = {};
  for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (made.response[name]) response[name] = encode(made.response[name]);
  }
  return {id: made.id, rawId: encode(made.rawId), type: made.type, response,
    clientExtensionResults: made.getClientExtensionResults()};
}

if (globalThis.PublicKeyCredential) for (const button of $$('[data-passkey]')) button.hidden = false;
on('click', '[data-passkey]', async (event, button) => {
  event.preventDefault();
  button.disabled = true;
  try {
    const {passkey: kind, options, url, name} = button.dataset;
    const made = await ask(kind, await post(options));
    const said = await post(url, {answer: plain(made), name: name && $(name).value});
    location.assign(said.next);
  } catch (error) {
    toast(WHY[error.name] || `This did not work: ${error.message}`, 'danger');
    button.disabled = false;
  }
});
