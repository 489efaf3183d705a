const axios = require('axios');
const { priorityAdapter } = require('axios-priority-adapter');

async function main() {
  const [, , first, second] = process.argv;
  const client = axios.create({
    adapter: priorityAdapter([
      { baseURL: first, name: 'first' },
      { baseURL: second, name: 'second', priority: 2, apiKey: 'k' },
    ]),
  });
  const { data, status, attempts } = await client.post('/x?a=1', { n: 1 });
  let stack = '';
  try {
    priorityAdapter([]);
  } catch (error) {
    stack = error.stack;
  }
  console.log(
    JSON.stringify({ status, data, tried: attempts.map(({ backend, status }) => `${backend} ${status}`), stack }),
  );
}
main();
