/**
 * Carries messages between processes. Write one for a broker that this package doesn't know. A message is a short line of
 * text without secrets. A process's own messages may come back.
 */
export interface Transport {
  /**
   * Sends a message to the others. It doesn't wait, and drops what can't be sent.
   *
   * @param message a line of text
   */
  send(message: string): void;
  /**
   * Begins to listen.
   *
   * @param hear called for each message, and again for what is remembered whenever the transport has connected. `age`
   *   is in ms, for a message that isn't new
   * @param report called with an error, and with `undefined` when all is well again
   */
  listen(hear: (message: string, age?: number) => void, report: (error: unknown) => void): Listening;
}

/** What {@link Transport.listen} has begun. */
export interface Listening {
  /** Resolves when the others have been heard once. */
  readonly ready: Promise<void>;
  /** Ends everything that `listen` began. */
  stop(): Promise<void>;
}
