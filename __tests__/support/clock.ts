const real = performance.now.bind(performance);
let moved = 0;

// Here, so that each file that imports this one gets the real clock back after each test.
afterEach(() => {
  moved = 0;
  jest.restoreAllMocks();
});

/** Moves the clock of the package on by so many ms, for the rest of the test. Timers keep their own time. */
export function moveClock(ms: number): void {
  moved += ms;
  jest.spyOn(performance, 'now').mockImplementation(() => real() + moved);
}
