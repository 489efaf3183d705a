import { must } from '../base/check';
import { PeerProtocol } from './peer-protocol';
import { Listeners } from './listeners';
import { FirstAnswer } from './first-answer';
import type { Listening, Transport } from './transport';

/**
 * An event of a channel. Its `data` is the message. (Node's own types of a `BroadcastChannel` know only that it has a
 * `type`.)
 */
export interface ChannelEvent {
  /** `message` */
  readonly type?: string;
  /** The message. */
  readonly data?: unknown;
}

/** What {@link channelTransport} needs of a channel: a `BroadcastChannel` has it. */
export interface MessageChannelLike {
  /**
   * Sends to all others of the same name.
   *
   * @param message of any form that can be cloned
   */
  postMessage(message: unknown): void;
  /**
   * Adds a listener.
   *
   * @param type of the event
   * @param listener called with an event for each message
   */
  addEventListener(type: 'message', listener: (event: ChannelEvent) => void): void;
  /**
   * Removes a listener.
   *
   * @param type of the event
   * @param listener the one that was added
   */
  removeEventListener(type: 'message', listener: (event: ChannelEvent) => void): void;
}

/**
 * Shares over a `BroadcastChannel`: between the worker threads of a process, or between the tabs of a browser. Late
 * starters ask the others what is in force. Whoever made the channel closes it.
 *
 * @param channel the same name everywhere: `new BroadcastChannel('cooldowns')`
 * @throws TypeError if `channel` isn't a channel
 */
export function channelTransport(channel: MessageChannelLike): Transport {
  const { postMessage, addEventListener } = Object(channel) as Partial<MessageChannelLike>;
  const isChannel = typeof postMessage === 'function' && typeof addEventListener === 'function';
  must(isChannel, 'channel', 'be a BroadcastChannel', channel);
  return new ChannelTransport(channel);
}

class ChannelTransport implements Transport {
  readonly #protocol = new PeerProtocol();
  readonly #listeners = new Listeners();
  #firstAnswer!: FirstAnswer;

  constructor(private readonly channel: MessageChannelLike) {}

  send(message: string): void {
    // The channel tells all but this process.
    this.#listeners.hear(message);
    this.channel.postMessage(this.#protocol.tell(message));
  }

  listen(...[hear, report]: Parameters<Transport['listen']>): Listening {
    const end = this.#listeners.add(hear, report);
    if (this.#listeners.size === 1) this.#begin();
    // Also what was heard for a listener that has ended.
    for (const [text, age] of this.#protocol.list()) hear(text, age);
    const stop = (): Promise<void> => {
      end();
      if (this.#listeners.size === 0) this.#end();
      return Promise.resolve();
    };
    return { ready: this.#firstAnswer.over, stop };
  }

  #begin(): void {
    this.#firstAnswer = new FirstAnswer();
    this.channel.addEventListener('message', this.#hear);
    this.#post(this.#protocol.ask);
  }

  #end(): void {
    this.#firstAnswer.end();
    this.channel.removeEventListener('message', this.#hear);
  }

  readonly #hear = ({ data }: ChannelEvent): void => {
    const { what, fresh } = this.#protocol.hear(data);
    for (const [text, age] of fresh) this.#listeners.hear(text, age);
    if (what === 'ask') this.#post(this.#protocol.answer());
    if (what === 'answer') this.#firstAnswer.end();
  };

  /** A closed channel throws. */
  #post(message: unknown): void {
    try {
      this.channel.postMessage(message);
    } catch (error) {
      this.#listeners.report(error);
    }
  }
}
