import axios from 'axios';

/** The adapters of axios that work in Node. `fetch` is missing before axios 1.7. */
export function wires(): ('http' | 'fetch')[] {
  try {
    axios.getAdapter('fetch');
    return ['http', 'fetch'];
  } catch {
    return ['http'];
  }
}
