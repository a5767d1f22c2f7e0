// What the page says, in the viewer's language. Steps and reasons come from the server, which has the one list of them.

export const language = (navigator.languages?.[0] ?? navigator.language).toLowerCase().startsWith("ko") ? "ko" : "en";

const TEXTS = {
  en: {
    loading: "Loading…",
    waitingForUpload: "Waiting for the upload",
    waitingForWorker: "Waiting for a worker",
    stepCount: (index, total) => `Step ${index} of ${total}`,
    preparing: "This video is being prepared",
    seconds: (n) => `about ${n} s left`,
    minutes: (n) => `about ${n} min left`,
    hours: (n) => `about ${n} h left`,
    failed: "This video could not be prepared",
    uploadRefused: "The uploaded file was refused",
    uploadAgain: "Upload another file to try again.",
    noToken: "This link has no access token",
    noTokenHow: "Open the complete link that you were given: it ends in #token=…",
    notAuthenticated: "This link is no longer valid",
    notAuthenticatedHow: "Its access token has expired or is not accepted. Ask for a new link.",
    notFound: "No such video",
    notFoundHow: "It does not exist, or it belongs to another academy.",
    offline: "No connection to the server",
    offlineHow: "Trying again…",
    cannotPlay: "This video cannot be played here",
    playerMissing:
      "hls.js is not installed on the server. Run “npm ci” in the folder control_plane/watch, then reload this page.",
    playerUnsupported: "This browser can play neither HLS nor Media Source streams.",
    streamBroken: "The stream could not be loaded. Reload this page to try again.",
    quality: "Quality",
    automatic: "Auto",
    automaticNow: (name) => `Auto (${name})`,
    speed: "Speed",
    position: "Position in the video",
    fullscreen: "Full screen",
    noSkip: "Skipping ahead is switched off for this video.",
    keys: "Space: play or pause · ← →: 5 s · J L: 10 s · < >: speed · M: sound · F: full screen",
    ready: "Ready to play",
    unknownReason: "Something failed on our side.",
  },
  ko: {
    loading: "불러오는 중…",
    waitingForUpload: "업로드를 기다리는 중",
    waitingForWorker: "작업 서버를 기다리는 중",
    stepCount: (index, total) => `${total}단계 중 ${index}단계`,
    preparing: "동영상을 준비하고 있습니다",
    seconds: (n) => `약 ${n}초 남음`,
    minutes: (n) => `약 ${n}분 남음`,
    hours: (n) => `약 ${n}시간 남음`,
    failed: "동영상을 준비하지 못했습니다",
    uploadRefused: "올린 파일을 사용할 수 없습니다",
    uploadAgain: "다른 파일을 올려 다시 시도해 주세요.",
    noToken: "이 링크에는 접근 토큰이 없습니다",
    noTokenHow: "#token=… 으로 끝나는 전체 링크를 열어 주세요.",
    notAuthenticated: "더 이상 유효하지 않은 링크입니다",
    notAuthenticatedHow: "접근 토큰이 만료되었거나 올바르지 않습니다. 새 링크를 요청해 주세요.",
    notFound: "동영상을 찾을 수 없습니다",
    notFoundHow: "존재하지 않거나 다른 학원의 동영상입니다.",
    offline: "서버에 연결할 수 없습니다",
    offlineHow: "다시 시도하는 중…",
    cannotPlay: "이 기기에서 재생할 수 없습니다",
    playerMissing:
      "서버에 hls.js가 설치되어 있지 않습니다. control_plane/watch 폴더에서 “npm ci”를 실행한 뒤 새로 고침해 주세요.",
    playerUnsupported: "이 브라우저는 HLS와 Media Source를 모두 지원하지 않습니다.",
    streamBroken: "영상을 불러오지 못했습니다. 새로 고침하여 다시 시도해 주세요.",
    quality: "화질",
    automatic: "자동",
    automaticNow: (name) => `자동 (${name})`,
    speed: "재생 속도",
    position: "재생 위치",
    fullscreen: "전체 화면",
    noSkip: "이 동영상은 건너뛰기를 할 수 없습니다.",
    keys: "Space: 재생/일시정지 · ← →: 5초 · J L: 10초 · < >: 속도 · M: 음소거 · F: 전체 화면",
    ready: "재생할 준비가 되었습니다",
    unknownReason: "내부 오류가 발생했습니다.",
  },
};

export const text = TEXTS[language];

/** "about 2 min left" of seconds; empty where the server cannot tell. */
export function remaining(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 60) return text.seconds(Math.max(1, Math.round(seconds)));
  if (seconds < 5400) return text.minutes(Math.round(seconds / 60));
  return text.hours(Math.round(seconds / 3600));
}

/** "1:02:03" of seconds. */
export function clock(seconds) {
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, place) => (place === 0 ? part : String(part).padStart(2, "0"))).join(":");
}

/** The sentence for a reason: NOT_MEDIA, or an upload's refusal such as source_invalid:NOT_MEDIA. */
export function sentence(reason, reasons) {
  const [head, tail] = reason.split(":", 2);
  const found = reasons[reason] ?? reasons[tail] ?? reasons[head];
  return found?.[language] ?? text.unknownReason;
}
