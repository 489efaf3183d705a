const axios = require('axios');
const { attachPriorityAdapter } = require('axios-priority-adapter');
const { ApiError, OpenAPI, ThingsService } = require('./generated');

const [, , first, second] = process.argv;
// The client sends everything through `axios` itself.
const { pool } = attachPriorityAdapter(axios, [
  { baseURL: first, name: 'first', apiKey: 'key-1' },
  { baseURL: second, name: 'second', priority: 2, apiKey: 'key-2' },
]);
OpenAPI.BASE = first;

(async () => {
  const tried = [];
  pool.subscribe(({ type, backend, status }) => type === 'attempt' && tried.push(`${backend} ${status}`));
  const data = await ThingsService.changeThing('7', { n: 1 });
  pool.cool('second', 60_000);
  const error = await ThingsService.changeThing('7', { n: 1 }).catch((rejected) => rejected);
  const { status, body } = error;
  console.log(JSON.stringify({ tried, data, refused: [error instanceof ApiError, status, body.error.type] }));
})();
