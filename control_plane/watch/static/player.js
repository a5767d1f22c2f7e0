// Plays a READY video: the browser's own HLS where it has one, else hls.js.
//
// A browser that plays HLS by itself lets no page choose the quality. So a chosen quality is played by hls.js in any
// browser that can run it, and "Auto" by whichever engine is open.

import { openSeekBar } from "./seekbar.js";
import { text } from "./words.js";

const HLS_TYPE = "application/vnd.apple.mpegurl";
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4];
const AUTOMATIC = -1;
const SHORT_SEEK_S = 5;
const LONG_SEEK_S = 10;
// A viewer who may not skip may still land this far ahead: browsers report time in steps of a quarter second.
const SKIP_TOLERANCE_S = 1;
const WATERMARK_MOVES_MS = 20_000;

const element = (id) => document.getElementById(id);

/** hls.js is needed and not on the server. */
export class PlayerMissing extends Error {}

/** This browser has neither HLS of its own nor Media Source Extensions. */
export class PlayerUnsupported extends Error {}

/** Opens the player on a video row. `whenBroken` gets the error of a stream that stopped for good. */
export async function openPlayer({ row, viewer, whenBroken }) {
  const player = new Player(element("video"), row, whenBroken);
  await player.open();
  element("quality-label").textContent = text.quality;
  element("speed-label").textContent = text.speed;
  element("controls").hidden = false;
  element("controls").addEventListener("submit", (event) => event.preventDefault());
  element("hint").hidden = false;
  element("hint").textContent = row.allow_skip ? text.keys : text.noSkip;
  offerSpeeds(player);
  openSeekBar({ video: player.video, row });
  if (!row.allow_skip) holdBackSkipping(player.video);
  if (row.show_watermark && viewer) showWatermark(viewer);
  document.addEventListener("keydown", (event) => onKey(event, player));
}

class Player {
  constructor(video, row, whenBroken) {
    this.video = video;
    this.row = row;
    this.whenBroken = whenBroken;
    this.maxSpeed = Number(row.max_speed ?? 2);
    this.hls = null;
    video.poster = row.thumbnail_url ?? "";
    video.addEventListener("ratechange", () => this.keepSpeed());
  }

  async open() {
    if (this.video.canPlayType(HLS_TYPE)) {
      this.openNative();
    } else {
      await this.openHlsJs(AUTOMATIC);
    }
  }

  openNative() {
    this.engine("native");
    // A browser may promise HLS and then not manage this stream.
    this.video.addEventListener("error", () => this.hls === null && this.choose(AUTOMATIC), { once: true });
    this.video.src = this.row.hls_url;
    this.offerQualities(
      (this.row.renditions ?? []).map(({ name, height }, level) => ({ level, name: name ?? `${height}p` })),
    );
  }

  /** Plays with hls.js from where the video is now, at one level or at what the connection allows. */
  async openHlsJs(level) {
    const Hls = await loadHlsJs();
    if (!Hls.isSupported()) throw new PlayerUnsupported("no MediaSource");
    const { currentTime, paused } = this.video;
    this.hls = new Hls({ enableWorker: false, startPosition: currentTime > 0 ? currentTime : -1, startLevel: level });
    this.hls.on(Hls.Events.MANIFEST_PARSED, (_, { levels }) => {
      const names = this.row.renditions ?? [];
      this.offerQualities(
        levels.map(({ height }, index) => ({
          level: index,
          name: names.find((rendition) => rendition.height === height)?.name ?? `${height}p`,
        })),
      );
      this.hls.currentLevel = level;
      element("quality").value = String(level);
    });
    this.hls.on(Hls.Events.LEVEL_SWITCHED, (_, { level: now }) => this.sayLevel(now));
    this.hls.on(Hls.Events.ERROR, (_, data) => data.fatal && this.recover(Hls, data));
    this.hls.loadSource(this.row.hls_url);
    this.hls.attachMedia(this.video);
    this.engine("hls.js");
    if (!paused) this.video.play().catch(() => {}); // refused without a gesture: the play button is there
  }

  recover(Hls, { type, details }) {
    if (type === Hls.ErrorTypes.MEDIA_ERROR && !this.recovered) {
      this.recovered = true;
      this.hls.recoverMediaError();
      return;
    }
    this.hls.destroy();
    this.whenBroken(new Error(details));
  }

  async choose(level) {
    try {
      if (this.hls === null) {
        await this.openHlsJs(level);
      } else {
        this.hls.currentLevel = level;
        this.sayLevel(level === AUTOMATIC ? this.hls.currentLevel : level);
      }
    } catch (error) {
      this.whenBroken(error);
    }
  }

  engine(name) {
    element("stage").dataset.engine = name;
  }

  sayLevel(level) {
    element("stage").dataset.level = String(level);
    const [automatic, ...named] = element("quality").options;
    const name = named[level]?.text;
    automatic.text = this.hls?.autoLevelEnabled && name ? text.automaticNow(name) : text.automatic;
  }

  offerQualities(levels) {
    const menu = element("quality");
    menu.replaceChildren(new Option(text.automatic, AUTOMATIC), ...levels.map((l) => new Option(l.name, l.level)));
    const canChoose = "MediaSource" in window || "ManagedMediaSource" in window;
    menu.disabled = !canChoose || levels.length < 2;
    menu.onchange = () => this.choose(Number(menu.value));
  }

  setSpeed(rate) {
    // Loading another engine puts the rate back to the default one.
    this.video.defaultPlaybackRate = rate;
    this.video.playbackRate = rate;
  }

  keepSpeed() {
    if (this.video.playbackRate > this.maxSpeed) this.setSpeed(this.maxSpeed);
    element("speed").value = String(this.video.playbackRate);
  }
}

let hlsJs = null;

function loadHlsJs() {
  hlsJs ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/static/hls.min.js";
    script.onload = () => resolve(window.Hls);
    script.onerror = () => reject(new PlayerMissing("/static/hls.min.js"));
    document.head.append(script);
  });
  return hlsJs;
}

function speedsUpTo(max) {
  const below = SPEEDS.filter((speed) => speed < max);
  return [...below, max];
}

function offerSpeeds(player) {
  const menu = element("speed");
  const normal = Math.min(1, player.maxSpeed);
  menu.replaceChildren(...speedsUpTo(player.maxSpeed).map((speed) => new Option(`${speed}×`, speed)));
  menu.addEventListener("change", () => player.setSpeed(Number(menu.value)));
  player.setSpeed(normal);
  menu.value = String(normal);
}

function stepSpeed(player, direction) {
  const speeds = speedsUpTo(player.maxSpeed);
  const now = speeds.findIndex((speed) => speed >= player.video.playbackRate);
  player.setSpeed(speeds[Math.min(Math.max(now + direction, 0), speeds.length - 1)]);
}

/** Puts a viewer who jumps ahead back to the furthest place that was watched. */
function holdBackSkipping(video) {
  let furthest = 0;
  video.addEventListener("timeupdate", () => {
    if (!video.seeking && video.currentTime <= furthest + SKIP_TOLERANCE_S * Math.max(1, video.playbackRate)) {
      furthest = Math.max(furthest, video.currentTime);
    }
  });
  video.addEventListener("seeking", () => {
    if (video.currentTime > furthest + SKIP_TOLERANCE_S) video.currentTime = furthest;
  });
}

function showWatermark(viewer) {
  const mark = element("watermark");
  mark.textContent = viewer;
  mark.hidden = false;
  mark.dataset.corner = "0";
  setInterval(() => {
    mark.dataset.corner = String((Number(mark.dataset.corner) + 1) % 4);
  }, WATERMARK_MOVES_MS);
  // The video's own full screen would leave the mark behind; the page's button takes both.
  const button = element("fullscreen");
  button.hidden = false;
  button.textContent = text.fullscreen;
  button.addEventListener("click", toggleFullscreen);
  element("video").setAttribute("controlslist", "nodownload noplaybackrate nofullscreen");
}

function toggleFullscreen() {
  const stage = element("stage");
  if (document.fullscreenElement) {
    document.exitFullscreen();
  } else if (stage.requestFullscreen) {
    stage.requestFullscreen();
  } else {
    element("video").webkitEnterFullscreen?.(); // iPhone
  }
}

function onKey(event, player) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, button, input:not(#seek)")) return;
  const { video } = player;
  const seek = (seconds) => {
    video.currentTime = Math.min(Math.max(video.currentTime + seconds, 0), video.duration || 0);
  };
  const actions = {
    " ": () => (video.paused ? video.play() : video.pause()),
    k: () => (video.paused ? video.play() : video.pause()),
    ArrowLeft: () => seek(-SHORT_SEEK_S),
    ArrowRight: () => seek(SHORT_SEEK_S),
    j: () => seek(-LONG_SEEK_S),
    l: () => seek(LONG_SEEK_S),
    m: () => (video.muted = !video.muted),
    f: toggleFullscreen,
    "<": () => stepSpeed(player, -1),
    ">": () => stepSpeed(player, 1),
  };
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  action();
}
