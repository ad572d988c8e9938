// SPDX-License-Identifier: MIT
// Asks the daemon. The token, if one is needed, lives in sessionStorage: in this tab, until it is closed.

const storageKey = 'presenced.token';
const timeoutMs = 10000;

/** An answer that is not 2xx; status 0: there was none. */
export class ApiError extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export const token = {
  get: () => sessionStorage.getItem(storageKey),
  set: (value) => sessionStorage.setItem(storageKey, value),
  forget: () => sessionStorage.removeItem(storageKey),
};

/** fetch() with the token. `path` is relative: the page may be behind a proxy's prefix. */
export function ask(path, options = {}) {
  const headers = new Headers(options.headers);
  if (token.get() !== null) {
    headers.set('Authorization', `Bearer ${token.get()}`);
  }
  return fetch(path, { cache: 'no-store', credentials: 'same-origin', ...options, headers });
}

/** Whether a token is asked for: the page's own reply says so. */
export async function needsToken() {
  const response = await fetch('./', { method: 'HEAD', cache: 'no-store' });
  return response.headers.has('WWW-Authenticate');
}

/** The detail of RFC 9457, or what else there is to say. */
export async function problemOf(response) {
  try {
    const { detail } = await response.json();
    return typeof detail === 'string' ? detail : response.statusText;
  } catch {
    return response.statusText;
  }
}

/** GETs JSON. */
export async function get(path) {
  let response;
  try {
    response = await ask(path, { signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    throw new ApiError(0, error.message);
  }
  if (!response.ok) {
    throw new ApiError(response.status, await problemOf(response));
  }
  try {
    return await response.json();
  } catch (error) {
    throw new ApiError(0, error.message);
  }
}
