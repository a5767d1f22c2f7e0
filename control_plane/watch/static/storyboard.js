// Reads a storyboard: a WebVTT file whose cues name rectangles of picture sheets.

const TIMING = /^((?:\d+:)?\d+:\d+\.\d+) --> ((?:\d+:)?\d+:\d+\.\d+)/;
const PLACE = /^(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$/;
const TIMEOUT_MS = 10_000;

/** The tiles of a WebVTT text, in its order; `base` is the address that sheets are relative to. */
export function readTiles(text, base) {
  const tiles = [];
  let times = null;
  for (const line of text.split(/\r?\n/)) {
    const timing = TIMING.exec(line);
    const place = times && PLACE.exec(line);
    if (timing) {
      times = [seconds(timing[1]), seconds(timing[2])];
    } else if (place) {
      const [x, y, width, height] = place.slice(2).map(Number);
      tiles.push({ from: times[0], to: times[1], sheet: new URL(place[1], base).href, x, y, width, height });
      times = null;
    }
  }
  return tiles;
}

/** "01:02:03.500" or "02:03.500" in seconds. */
function seconds(clock) {
  return clock.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** The storyboard's tiles; none where it cannot be had: a video plays without. */
export async function loadTiles(url) {
  if (!url) return [];
  try {
    const response = await fetch(url, { credentials: "omit", signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.ok ? readTiles(await response.text(), new URL(url, location.href)) : [];
  } catch {
    return [];
  }
}

/** The tile of a moment; null where there is none. */
export function tileAt(tiles, time) {
  let low = 0;
  let high = tiles.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (tiles[middle].to <= time) low = middle + 1;
    else high = middle;
  }
  return tiles[low] ?? tiles.at(-1) ?? null;
}
