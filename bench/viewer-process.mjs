/** The process that looks at a status page, as an open page does. It ends with its parent, or when it is dropped. */
import { get } from 'node:http';

get(process.argv[2], (response) => {
  response.once('data', () => process.send('looking')).resume();
  response.once('close', () => process.exit());
});
process.on('disconnect', () => process.exit());
