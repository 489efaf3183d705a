import { seeded } from '../random.mjs';

const WORDS = 'The quick brown fox jumps over the lazy dog. '.repeat(18);

/** About 1 kB, as a short answer of a chat completion. */
export const ANSWER = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'gpt-4o',
  choices: [{ index: 0, message: { role: 'assistant', content: WORDS }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 330, completion_tokens: 180, total_tokens: 510 },
});

const REFUSAL = JSON.stringify({
  error: { code: '429', message: 'Requests have exceeded the call rate limit. Please retry after 1 second.' },
});

/** How each kind of backend answers: `answer` is given what sends, and counts what it did. */
export const kinds = { chat, throttled, reserved, unlimited, window, bucket };

/** Answers at once. */
function chat() {
  return { answer: (send) => send(200, {}, ANSWER) };
}

/** Always refuses. */
function throttled({ wait }) {
  return { answer: (send) => refuse(send, wait) };
}

/** Takes as long for each answer, and never refuses. */
function unlimited({ ms }) {
  let taken = 0;
  return {
    answer: (send) => {
      taken++;
      setTimeout(() => send(200, {}, ANSWER), ms);
    },
    reset: () => (taken = 0),
    counts: () => ({ taken }),
  };
}

/** A provisioned deployment: takes so many at a time and asks the next to wait a moment, 43 ms on average. */
function reserved({ slots, ms, seed, binMs }) {
  const random = seeded(seed);
  let busy = 0;
  let refused = 0;
  let began = performance.now();
  // ms of work that were done, by the bin of time in which each answer was taken on.
  let bins = [];
  return {
    answer(send) {
      if (busy >= slots) {
        refused++;
        return refuse(send, Math.round(20 + random() * 46));
      }
      busy++;
      const bin = Math.floor((performance.now() - began) / binMs);
      bins[bin] = (bins[bin] ?? 0) + 1;
      setTimeout(() => {
        busy--;
        send(200, {}, ANSWER);
      }, ms);
    },
    reset() {
      began = performance.now();
      refused = 0;
      bins = [];
    },
    counts: () => ({ taken: sum(bins), refused, bins: Array.from(bins, (count) => count ?? 0) }),
  };
}

/** So many requests in each window of time; the windows begin with `reset`. Refused ones do not count. */
function window({ quota, ms, answerMs }) {
  let began = performance.now();
  let counts = { taken: 0, refused: 0 };
  const used = new Map();
  return {
    answer(send) {
      const elapsed = performance.now() - began;
      const number = Math.floor(elapsed / ms);
      const before = used.get(number) ?? 0;
      if (before >= quota) {
        counts.refused++;
        return refuse(send, Math.ceil((number + 1) * ms - elapsed));
      }
      used.set(number, before + 1);
      counts.taken++;
      setTimeout(() => send(200, {}, ANSWER), answerMs);
    },
    reset() {
      began = performance.now();
      counts = { taken: 0, refused: 0 };
      used.clear();
    },
    counts: () => counts,
  };
}

/** A token bucket: so many a second, with a few in reserve. */
function bucket({ rate, burst, answerMs }) {
  let tokens = burst;
  let filled = performance.now();
  let counts = { taken: 0, refused: 0 };
  return {
    answer(send) {
      const now = performance.now();
      tokens = Math.min(burst, tokens + ((now - filled) / 1000) * rate);
      filled = now;
      if (tokens < 1) {
        counts.refused++;
        return refuse(send, Math.ceil(((1 - tokens) / rate) * 1000));
      }
      tokens--;
      counts.taken++;
      setTimeout(() => send(200, {}, ANSWER), answerMs);
    },
    reset() {
      tokens = burst;
      filled = performance.now();
      counts = { taken: 0, refused: 0 };
    },
    counts: () => counts,
  };
}

/** As Azure does: the exact wait, and beside it the one that is rounded up to whole seconds. */
function refuse(send, wait) {
  send(429, { 'retry-after-ms': String(wait), 'retry-after': String(Math.ceil(wait / 1000)) }, REFUSAL);
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
