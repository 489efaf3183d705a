import type { Body } from '../http/request-body';
import type { HeaderList } from '../http/credentials';
import type { BodyModel } from '../http/body-model';
import type { HttpResponse, RequestConfig } from '../http/messages';
import type { ReadLimits, Take } from '../http/read-beginning';
import type { BackendSettings } from '../pool/backend-options';
import type { Attempt } from '../pool/events';
import type { Abort, AbortReason } from './abort';
import type { Connection } from './connection';
import type { Fabricated } from './fabricated';

/** The caller's request, as the failover needs to know it. A client adds what it needs itself. */
export interface HttpRequest {
  /** What the caller passed in. Callbacks get it. */
  readonly config: RequestConfig;
  readonly body: unknown;
  /** The deployment that the URL names. */
  readonly deployment: string | undefined;
  /** The caller's budget for the whole request, in ms. 0: none. */
  readonly timeout: number;
  /** Whether the response resolves before its body has been read. */
  readonly streamed: boolean;
  /** Whether the client ends an exchange as soon as the caller's own `signal` or `cancelToken` is cancelled. */
  readonly obeysCancel: boolean;
  /** The model that the body names; `null`: none. Set by `modelNamedBy`, so that a body is parsed once. */
  model?: BodyModel | null | undefined;
  /** What a body that is a Blob of JSON holds. */
  blobBytes?: ArrayBuffer | undefined;
  /** Whether the client must not be given the caller's own `signal` and `cancelToken`. Default: false */
  readonly needsAbort?: boolean;
  /** Whether a redirect may resend the body, so a stream is read into memory even for one attempt. Default: false */
  readonly resends?: boolean;
}

/** What one attempt sends to its backend besides the caller's request. */
export interface Target {
  readonly backend: BackendSettings;
  readonly credentials: HeaderList;
  readonly body: Body;
}

/** One transmission of a request. */
export interface Exchange {
  /** Ends the sending. Without it, the caller's own `signal` and `cancelToken` do. */
  readonly abort: Abort | undefined;
  /** Whether kept-alive connections to the backend must be closed first, because one was stale. */
  readonly fresh: boolean;
  /** ms until a connection is established. 0: no limit */
  readonly connectTimeout: number;
  /** When it began, in ms on the clock of `base/clock`. */
  readonly started: number;
  /** Set by a client that can see the connection. */
  connection: Connection | undefined;
  /** Set when the attempt has failed or was given up: nothing more is reported of it. */
  isOver: boolean;
}

/** What else a client needs to know of a response that it settles. */
export interface Settling {
  /** Of the attempt: a cancel ends a body that the caller is still reading. */
  readonly abort?: Abort | undefined;
  /** Why the response is fabricated: what the message of the client's error adds. */
  readonly why?: string;
  /** The cause of the client's error, if the response is fabricated. */
  readonly cause?: Error | undefined;
}

/** A response whose body has been read in part. */
export interface Beginning<A> {
  /** Takes the place of the response. It has all of the body for whoever reads it. */
  readonly response: A;
  /** Resolves to whether the body has ended; rejects with the error that cut it off. */
  readonly isOver: Promise<boolean>;
}

/**
 * Sends the attempts of a request. The caller gets its library's own responses and errors. axios is one client, fetch
 * another. A client knows nothing of pools, cooldowns and conditions.
 */
export interface HttpClient<R extends HttpRequest, A extends HttpResponse> {
  /**
   * Sends one attempt, and resolves to the response, whatever its status. Neither the response nor an error that it
   * rejects with holds a credential or anything else of the attempt.
   */
  send(request: R, target: Target, exchange: Exchange): Promise<A>;
  /**
   * Reads the beginning of a response's body. `undefined` if there is nothing to read ahead: the body is in `data` already,
   * something else reads it, or it couldn't be put back.
   *
   * @param take is given each chunk
   * @param limits end the reading as well
   */
  readBeginning?(request: R, response: A, take: Take, limits: ReadLimits): Beginning<A> | undefined;
  /**
   * Frees the connection of a response that nobody will read.
   *
   * @param abort of its attempt, which is over
   */
  discard(response: A, abort: Abort | undefined): void;
  /** Makes a response that no backend gave. */
  fabricate(request: R, fabricated: Fabricated): A;
  /**
   * The response as the caller gets it, with `attempts`.
   *
   * @throws the client's error if the caller doesn't accept the status
   */
  settle(request: R, response: A, attempts: readonly Attempt[], about: Settling): A;
  /**
   * An `AbortReason` or `CodedError` as an error of the client's own. Other errors are returned as they are.
   *
   * @param rejection what `send` rejected with when the attempt was given up, or else an object with the native `request`
   */
  translate(request: R, error: unknown, rejection?: unknown): unknown;
  /** What the signal of an attempt that is given up is aborted with. */
  abortReason(request: R, reason: AbortReason): unknown;
  /** The error as the caller gets it: translated, with `attempts`. */
  errorFor(request: R, error: unknown, attempts: readonly Attempt[]): unknown;
}
