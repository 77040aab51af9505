// The one script of every page: starts the parts. Pages work as links and forms without it.
import './times.js';
import './later.js';
import './forms.js';
import './shell.js';
import './keys.js';
import './palette.js';
import './bulk.js';
import './live.js';
import './push.js';
import './passkeys.js';
import './lanes.js';
import './swipe.js';
