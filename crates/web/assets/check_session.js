// The session frame: reports to the pages of a client whether the state of this browser is still the one that the client was
// told as `session_state` (OpenID Connect Session Management 1.0, section 3.2).
(() => {
  "use strict";

  const COOKIE = document.currentScript.dataset.cookie;
  // The client id, which may contain spaces, and the session state: a digest, a dot and a salt.
  const MESSAGE = /^([\x20-\x7e]{1,4096}) ([A-Za-z0-9_-]{43}\.([A-Za-z0-9_-]{22}))$/;
  const STATE = /^[A-Za-z0-9_-]{22}$/;

  // The fractional parts of the cube roots of the first 64 primes, and of the square roots of the first eight
  // (FIPS 180-4, sections 4.2.2 and 5.3.3).
  const ROUNDS = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
  ];
  const START = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  ];

  const rotated = (word, by) => (word >>> by) | (word << (32 - by));

  // The bytes of an ASCII text, a one bit, zeros, and the length in bits as 64 bits: whole blocks of 64 bytes.
  function padded(text) {
    const bytes = Array.from(text, (character) => character.charCodeAt(0));
    const bits = bytes.length * 8;
    bytes.push(0x80);
    while (bytes.length % 64 !== 56) bytes.push(0);
    bytes.push(0, 0, 0, 0, bits >>> 24, (bits >>> 16) & 0xff, (bits >>> 8) & 0xff, bits & 0xff);
    return bytes;
  }

  // The schedule of a block: its 16 words, and 48 that follow from them.
  function scheduled(bytes, from) {
    const words = [];
    for (let at = from; at < from + 64; at += 4) {
      words.push((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]);
    }
    for (let at = 16; at < 64; at += 1) {
      const [early, late] = [words[at - 15], words[at - 2]];
      const one = rotated(early, 7) ^ rotated(early, 18) ^ (early >>> 3);
      const other = rotated(late, 17) ^ rotated(late, 19) ^ (late >>> 10);
      words.push((words[at - 16] + one + words[at - 7] + other) | 0);
    }
    return words;
  }

  function compressed(state, words) {
    let [a, b, c, d, e, f, g, h] = state;
    for (let round = 0; round < 64; round += 1) {
      const choice = (e & f) ^ (~e & g);
      const one = (h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + choice + ROUNDS[round] + words[round]) | 0;
      const majority = (a & b) ^ (a & c) ^ (b & c);
      const other = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + majority;
      [a, b, c, d, e, f, g, h] = [(one + other) | 0, a, b, c, (d + one) | 0, e, f, g];
    }
    return [a, b, c, d, e, f, g, h].map((word, at) => (word + state[at]) | 0);
  }

  // The SHA-256 digest of an ASCII text in base64url. Browsers offer theirs only to pages over TLS whose parents are too.
  function digest(text) {
    const bytes = padded(text);
    let state = START;
    for (let from = 0; from < bytes.length; from += 64) state = compressed(state, scheduled(bytes, from));
    const characters = state.flatMap((word) => [24, 16, 8, 0].map((by) => String.fromCharCode((word >>> by) & 0xff)));
    return btoa(characters.join("")).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  }

  // The state of this browser; null if it has none, or withholds it from frames on other sites.
  function browserState() {
    let cookies = "";
    try {
      cookies = document.cookie;
    } catch {
      return null;
    }
    const pairs = cookies.split("; ").filter((pair) => pair.startsWith(`${COOKIE}=`));
    const values = pairs.map((pair) => pair.slice(COOKIE.length + 1));
    return values.length === 1 && STATE.test(values[0]) ? values[0] : null;
  }

  // The origin of the page that contains this frame; null if the browser does not tell.
  function parentOrigin() {
    const ancestors = window.location.ancestorOrigins;
    if (ancestors) return ancestors.length > 0 ? ancestors[0] : null;
    try {
      return new URL(document.referrer).origin;
    } catch {
      return null;
    }
  }

  // A client without an answer must not conclude that its user has signed out, so what cannot be compared is an error.
  function answer(message, origin) {
    const [, client, given, salt] = MESSAGE.exec(message) ?? [];
    const state = browserState();
    if (!client || !state) return "error";
    const current = `${digest(`${client} ${origin} ${state} ${salt}`)}.${salt}`;
    return current === given ? "unchanged" : "changed";
  }

  const parent = parentOrigin();

  window.addEventListener("message", (event) => {
    if (window.parent === window) return;
    if (event.source !== window.parent && event.origin !== parent) return;
    // A page without an origin, such as one in a sandbox, has no client, and cannot be answered.
    if (!event.source || event.origin === "null") return;
    const message = typeof event.data === "string" ? event.data : "";
    event.source.postMessage(answer(message, event.origin), event.origin);
  });
})();
