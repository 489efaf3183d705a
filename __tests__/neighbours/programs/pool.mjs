/** The two backends of a program. */
export const backends = [
  { baseURL: process.argv[2], name: 'first' },
  { baseURL: process.argv[3], name: 'second', priority: 2 },
];

export const tried = (attempts) => attempts.map(({ backend, status }) => `${backend} ${status}`);

export const print = (value) => console.log(JSON.stringify(value));
