// Follows a video's progress until it is READY or FAILED, then plays it.

import { CallFailed, getProgress, getVideo, getWords } from "./api.js";
import { PlayerMissing, PlayerUnsupported, openPlayer } from "./player.js";
import { clock, language, remaining, sentence, text } from "./words.js";

const POLL_MS = 1000;
const IDLE_POLL_MS = 5000; // FAILED, or an upload that was refused: someone may try again
const LONGEST_WAIT_MS = 15_000;

const element = (id) => document.getElementById(id);
const videoId = decodeURIComponent(location.pathname.replace(/\/+$/, "").split("/").pop());
const token = new URLSearchParams(location.hash.slice(1)).get("token");

let words = { steps: {}, reasons: {} };

function show(id) {
  for (const part of ["video", "working", "notice"]) element(part).hidden = part !== id;
  element("stage").classList.toggle("telling", id !== "video");
}

function showNotice(headline, explanation, { code = "", wrong = true } = {}) {
  element("notice-headline").textContent = headline;
  element("notice-explanation").textContent = explanation;
  element("notice-code").textContent = code;
  element("notice").classList.toggle("wrong", wrong);
  show("notice");
}

function showWorking(count, step, { percent = null, left = "" } = {}) {
  element("working-count").textContent = count;
  // A screen reader hears a new step once, not every percent.
  if (element("working-step").textContent !== step) element("spoken").textContent = step;
  element("working-step").textContent = step;
  element("working-bar").value = percent ?? 0;
  element("working-bar").setAttribute("aria-label", step);
  element("working-percent").textContent = percent === null ? "" : `${Math.floor(percent)} %`;
  element("working-remaining").textContent = left;
  show("working");
}

function showTitle(row) {
  element("title").textContent = row.title;
  document.title = row.title;
  element("facts").textContent = row.duration ? clock(row.duration) : "";
}

function showReason(headline, reason, advice) {
  const explanation = sentence(reason, words.reasons);
  showNotice(headline, advice ? `${explanation} ${advice}` : explanation, { code: reason });
}

/** Draws one progress answer; returns how long to wait before the next, or null when the video plays. */
async function draw(progress) {
  switch (progress.status) {
    case "READY": {
      const row = await getVideo(videoId, token);
      showTitle(row);
      await play(row);
      return null;
    }
    case "FAILED":
      showReason(text.failed, progress.error_reason ?? "INTERNAL_ERROR", "");
      return IDLE_POLL_MS;
    case "PENDING": {
      const { error_reason: refusal } = await getVideo(videoId, token);
      if (refusal) {
        showReason(text.uploadRefused, refusal, text.uploadAgain);
        return IDLE_POLL_MS;
      }
      showWorking(text.preparing, text.waitingForUpload);
      return POLL_MS;
    }
    default:
      drawStep(progress);
      return POLL_MS;
  }
}

function drawStep(progress) {
  const name = progress.encoding_step_name;
  if (!name) {
    showWorking(text.preparing, progress.status === "UPLOADED" ? text.waitingForWorker : text.loading, { percent: 0 });
    return;
  }
  showWorking(
    text.stepCount(progress.encoding_step_index, progress.encoding_step_total),
    words.steps[name]?.[language] ?? name,
    { percent: progress.encoding_progress ?? 0, left: remaining(progress.encoding_remaining_seconds) },
  );
}

async function play(row) {
  show("video");
  element("spoken").textContent = text.ready;
  const whenBroken = (error) => {
    element("controls").hidden = true;
    element("hint").hidden = true;
    element("watermark").hidden = true;
    element("seek-bar").hidden = true;
    showNotice(text.cannotPlay, explain(error), { code: error.message });
  };
  try {
    await openPlayer({ row, viewer: viewerOf(token), whenBroken });
  } catch (error) {
    whenBroken(error);
  }
}

function explain(error) {
  if (error instanceof PlayerMissing) return text.playerMissing;
  if (error instanceof PlayerUnsupported) return text.playerUnsupported;
  return text.streamBroken;
}

/** Who watches, for the watermark. The server has checked the signature; this only reads the claim. */
function viewerOf(jwt) {
  try {
    const payload = jwt.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (c) => c.charCodeAt(0)))).user_id ?? "";
  } catch {
    return "";
  }
}

/** Says what went wrong; returns whether it makes sense to ask again. */
function drawFailure(error) {
  switch (error.status) {
    case 401:
    case 403:
      showNotice(text.notAuthenticated, text.notAuthenticatedHow, { code: String(error.status) });
      return false;
    case 404:
    case 422:
      showNotice(text.notFound, text.notFoundHow, { code: videoId });
      return false;
    default:
      showNotice(text.offline, text.offlineHow, { code: error.status ? String(error.status) : "", wrong: false });
      return true;
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function follow() {
  let named = false;
  let failures = 0;
  for (;;) {
    let wait;
    try {
      if (!named) {
        words = await getWords();
        showTitle(await getVideo(videoId, token));
        named = true;
      }
      wait = await draw(await getProgress(videoId, token));
      failures = 0;
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      if (!drawFailure(error)) return;
      failures += 1;
      wait = Math.min(POLL_MS * 2 ** failures, LONGEST_WAIT_MS);
    }
    if (wait === null) return;
    await pause(wait);
  }
}

document.documentElement.lang = language;
window.addEventListener("hashchange", () => location.reload());
if (token) {
  showWorking("", text.loading);
  follow();
} else {
  showNotice(text.noToken, text.noTokenHow);
}
