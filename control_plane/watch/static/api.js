// The two calls of the API that this page makes.

/** An answer that is not 2xx; `status` is 0 where there was no answer. */
export class CallFailed extends Error {
  constructor(status) {
    super(`status ${status}`);
    this.status = status;
  }
}

const TIMEOUT_MS = 10_000;

async function call(path, token) {
  let response;
  try {
    response = await fetch(path, {
      headers: token ? { Authorization: `Bearer ${token}` } : {},
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new CallFailed(0);
  }
  if (!response.ok) throw new CallFailed(response.status);
  return response.json();
}

export const getVideo = (id, token) => call(`/api/v1/media/videos/${encodeURIComponent(id)}`, token);
export const getProgress = (id, token) => call(`/api/v1/media/videos/${encodeURIComponent(id)}/progress`, token);
export const getWords = () => call("/static/words.json", null);
