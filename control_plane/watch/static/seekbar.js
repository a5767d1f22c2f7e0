// The page's own seek bar: what a browser's built-in one cannot do is show the picture of the moment pointed at.

import { loadTiles, tileAt } from "./storyboard.js";
import { clock, text } from "./words.js";

const element = (id) => document.getElementById(id);

/** Shows the bar below the video, with the storyboard's picture over the pointer. */
export function openSeekBar({ video, row }) {
  const bar = element("seek");
  const preview = element("preview");
  let tiles = [];
  let dragging = false;
  loadTiles(row.storyboard_url).then((loaded) => (tiles = loaded));

  bar.max = String(row.duration ?? 0);
  bar.setAttribute("aria-label", text.position);
  element("seek-bar").hidden = false;

  const draw = () => {
    if (Number.isFinite(video.duration)) bar.max = String(video.duration);
    if (!dragging) bar.value = String(video.currentTime);
    bar.setAttribute("aria-valuetext", `${clock(bar.value)} / ${clock(bar.max)}`);
    bar.style.setProperty("--played", share(Number(bar.value)));
    bar.style.setProperty("--loaded", share(loadedUntil(video)));
  };
  const share = (time) => `${(100 * time) / (Number(bar.max) || 1)}%`;
  for (const event of ["timeupdate", "durationchange", "progress", "seeking", "seeked"]) video.addEventListener(event, draw);

  bar.addEventListener("input", () => {
    dragging = true;
    draw();
  });
  bar.addEventListener("change", () => {
    dragging = false;
    video.currentTime = Number(bar.value);
  });

  bar.addEventListener("pointermove", (event) => {
    const box = bar.getBoundingClientRect();
    const place = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    showPreview(tileAt(tiles, place * Number(bar.max)), place * Number(bar.max));
    const half = preview.offsetWidth / 2;
    preview.style.left = `${bar.offsetLeft + Math.min(Math.max(place * box.width, half), box.width - half)}px`;
  });
  for (const event of ["pointerleave", "pointercancel", "blur"]) {
    bar.addEventListener(event, () => (preview.hidden = true));
  }
}

function showPreview(tile, time) {
  element("preview").hidden = false;
  element("preview-time").textContent = clock(time);
  const picture = element("preview-tile");
  picture.hidden = tile === null;
  if (tile === null) return;
  picture.style.width = `${tile.width}px`;
  picture.style.height = `${tile.height}px`;
  picture.style.backgroundImage = `url("${tile.sheet}")`;
  picture.style.backgroundPosition = `-${tile.x}px -${tile.y}px`;
}

/** The end of what is loaded around the place that is shown. */
function loadedUntil({ buffered, currentTime }) {
  for (let n = 0; n < buffered.length; n += 1) {
    if (buffered.start(n) <= currentTime + 0.1 && currentTime <= buffered.end(n)) return buffered.end(n);
  }
  return currentTime;
}
