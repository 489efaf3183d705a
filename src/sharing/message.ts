import type { CooldownKind } from '../pool/failure-cost';
import { WORDS } from '../pool/reasons';
import type { CooldownReason } from '../pool/reasons';

/** A cooldown, on the wire. Times are lengths, so they don't depend on a clock. */
export interface CooldownMessage {
  /** The sender and a random part. */
  readonly id: string;
  /** The digest of the backend's name and `baseURL`. */
  readonly backend: string;
  readonly scope: string | undefined;
  readonly reason: CooldownReason;
  readonly kind: CooldownKind;
  readonly ms: number;
}

/** Ends all cooldowns of a backend that were told before it. */
interface RestoreMessage {
  readonly id: string;
  readonly backend: string;
  readonly reason: 'restore';
  /** For how long it must be remembered: as long as the cooldowns that it ends may be. */
  readonly ms: number;
}

export type Message = CooldownMessage | RestoreMessage;

/** Raise it whenever an older release would misunderstand a message. Other versions are ignored. */
export const VERSION = 1;

/** Characters. Longer messages can't be ours. */
export const MAX_MESSAGE = 1000;
/** Characters of a deployment's name. Azure allows 64. */
const MAX_SCOPE = 256;
export const MAX_ID = 40;

/**
 * A cooldown isn't told if the others know one that ends this close to it: the larger of a share of its length and ms.
 */
export const NEARLY = { share: 0.05, ms: 50 };

export const REASONS = Object.keys(WORDS) as readonly CooldownReason[];
const KINDS: readonly CooldownKind[] = ['asked', 'guessed', 'oversized'];

/** A message as text. `undefined` if it would be too long to be accepted. */
export function written(message: Message): string | undefined {
  const { id, backend, reason, ms } = message;
  const { scope, kind } = message.reason === 'restore' ? {} : message;
  if (scope !== undefined && scope.length > MAX_SCOPE) return undefined;
  const fields = { v: VERSION, i: id, b: backend, s: scope, r: reason, k: kind, ms: Math.ceil(ms) };
  const text = JSON.stringify(fields);
  return text.length > MAX_MESSAGE ? undefined : text;
}

/** Reads what anybody may have written. `undefined` for everything that isn't exactly a message of this version. */
export function read(text: unknown): Message | undefined {
  if (typeof text !== 'string' || text.length > MAX_MESSAGE) return undefined;
  const { v, i: id, b: backend, s: scope, r: reason, k: kind, ms } = fieldsOf(text);
  if (v !== VERSION || !isShort(id, MAX_ID) || !isShort(backend, MAX_ID)) return undefined;
  if (typeof ms !== 'number' || ms <= 0) return undefined;
  if (reason === 'restore') return { id, backend, reason, ms };
  if (scope !== undefined && !isShort(scope, MAX_SCOPE)) return undefined;
  if (!isOneOf(REASONS, reason) || !isOneOf(KINDS, kind)) return undefined;
  // Only an oversized wait ranks a backend behind the others.
  if ((reason === 'oversized') !== (kind === 'oversized')) return undefined;
  return { id, backend, scope, reason, kind, ms };
}

/** What a message is about. Of two messages about the same, the later one counts. */
export function subjectOf(message: Message): string {
  return message.reason === 'restore'
    ? `${message.backend} restore`
    : `${message.backend} ${message.reason} ${message.kind} ${message.scope ?? ''}`;
}

/** The sender's id. */
export function senderOf({ id }: Message): string {
  return id.split('.', 1)[0]!;
}

/** Names a process and a message. Nobody can guess one and use it up beforehand. */
export function randomId(): string {
  const [one, two] = crypto.getRandomValues(new Uint32Array(2));
  return one!.toString(36) + two!.toString(36);
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return { ...(JSON.parse(text) as Record<string, unknown>) };
  } catch {
    return {};
  }
}

function isShort(value: unknown, most: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= most;
}

function isOneOf<T>(values: readonly T[], value: unknown): value is T {
  return values.includes(value as T);
}
