// Canvases, scales, axes and colours for all panels.

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const inks = new Map(); // colours by name, because getComputedStyle is slow
function ink(name) {
  if (!inks.has(name)) inks.set(name, getComputedStyle(root).getPropertyValue(`--${name}`).trim());
  return inks.get(name);
}
const OKABE_ITO = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]; // a palette for colour-blind readers
const VIRIDIS = ["#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725"];
const STEPS = 24;
const FONT = "12px system-ui, sans-serif";

// Returns the colour of a share from 0 to 1, without the end of viridis that is hardly visible on the background.
function shade(share) {
  const at = (dark.matches ? 0.28 + 0.72 * share : 0.9 * share) * (VIRIDIS.length - 1);
  const [one, other] = [VIRIDIS[Math.floor(at)], VIRIDIS[Math.min(VIRIDIS.length - 1, Math.floor(at) + 1)]];
  const mix = [1, 3, 5].map((place) => {
    const [a, b] = [one, other].map((text) => parseInt(text.slice(place, place + 2), 16));
    return Math.round(a + (b - a) * (at % 1));
  });
  return `rgb(${mix.join(",")})`;
}

// Returns the axis of a column, in pixels. If a few bad scores would compress the others, they are cut off and lie at the edge.
// `room` is the share of the axis that stays free at each end.
function scaleOf(column, from, to, room = 0) {
  const found = column.values.filter(Number.isFinite).sort();
  let [low, high] = column.words ? [-0.5, column.words.length - 0.5] : found.length ? [found[0], found[found.length - 1]] : [0, 1];
  let cut = 0;
  if (column.role === "score" && found.length > 10 && !column.log) {
    const at = (share) => found[Math.floor(share * (found.length - 1))];
    const [inner, outer] = better > 0 ? [high - at(0.15), high - low] : [at(0.85) - low, high - low];
    if (outer > 2 * inner && inner > 0) [low, high] = better > 0 ? [high - 1.15 * inner, high] : [low, low + 1.15 * inner];
    cut = found.filter((value) => value < low || value > high).length;
  }
  const more = room * (to - from);
  const tight = scale(low, high, from + more, to - more, { log: column.log, words: column.words, cut, whole: found.every(Number.isInteger) });
  return column.words || low === high ? tight : scale(cut && low > found[0] ? low : tight.back(from), cut && high < found[found.length - 1] ? high : tight.back(to), from, to, tight.look);
}

function scale(low, high, from, to, { log = false, words = null, cut = 0, whole = false } = {}) {
  if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - Math.abs(low) * 0.05 - 0.01, high + Math.abs(high) * 0.05 + 0.01];
  const forth = log ? Math.log10 : (value) => value;
  const [start, end] = [forth(low), forth(high)];
  const at = (value) => from + ((Math.min(Math.max(forth(value), start), end) - start) / (end - start)) * (to - from);
  const back = (pixel) => {
    const value = start + ((pixel - from) / (to - from)) * (end - start);
    return log ? 10 ** value : value;
  };
  return { low, high, at, back, cut, words, look: { log, words, cut, whole }, ticks: (most) => ticks(low, high, most, { log, words, whole }) };
}

// Returns about `most` ticks, as pairs of a value and its text.
function ticks(low, high, most, { log, words, whole }) {
  if (words) {
    const step = Math.ceil(words.length / most);
    return words.map((word, place) => [place, word]).filter(([place]) => place % step === 0);
  }
  const found = [];
  if (log && high / low >= 10) {
    const step = Math.max(1, Math.ceil((Math.log10(high) - Math.log10(low)) / most));
    for (let power = Math.ceil(Math.log10(low) - 1e-9); power <= Math.log10(high) + 1e-9; power += step) found.push(10 ** power);
  } else {
    const rough = (high - low) / Math.max(1, most);
    const unit = 10 ** Math.floor(Math.log10(rough));
    const step = Math.max(whole ? 1 : 0, [1, 2, 5, 10].find((one) => one * unit >= rough * 0.999) * unit);
    for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-9; value += step) found.push(value);
  }
  return found.map((value) => [value, short(value)]);
}

function short(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
  return `${Number(value.toPrecision(4))}`;
}

// Groups rows by colour: frequent words, or shades of a number. Rows with rare words or without the key are grey.
let coloured = { name: null, theme: null };
function groups() {
  const column = byName.get(view.colour) ?? score;
  if (coloured.name === column.name && coloured.theme === dark.matches) return coloured;
  const made = column.words ? groupsOfWords(column) : groupsOfNumbers(column);
  const colours = new Array(count).fill(ink("grey"));
  for (const group of made) for (const row of group.rows) colours[row] = group.colour;
  coloured = { name: column.name, theme: dark.matches, column, list: made, colours };
  return coloured;
}

function groupsOfWords(column) {
  const members = column.words.map((word) => ({ label: word, rows: [] }));
  const rest = { label: "other", rows: [], colour: ink("grey") };
  column.values.forEach((place, row) => (Number.isNaN(place) ? rest : members[place]).rows.push(row));
  const frequent = [...members].sort((one, other) => other.rows.length - one.rows.length).slice(0, OKABE_ITO.length);
  members.filter((group) => !frequent.includes(group)).forEach((group) => rest.rows.push(...group.rows));
  const shown = members.filter((group) => frequent.includes(group)).map((group, place) => ({ ...group, colour: OKABE_ITO[place] }));
  return rest.rows.length ? [rest, ...shown] : shown;
}

// Better scores and higher other numbers are brighter.
const bright = (column, share) => (column.role === "score" && better < 0 ? 1 - share : share);

function groupsOfNumbers(column) {
  const place = scaleOf(column, 0, STEPS - 1e-9);
  const made = Array.from({ length: STEPS }, (_, step) => ({ rows: [], colour: shade(bright(column, step / (STEPS - 1))) }));
  const rest = { label: "unset", rows: [], colour: ink("grey") };
  column.values.forEach((value, row) => (Number.isNaN(value) ? rest : made[Math.floor(place.at(value))]).rows.push(row));
  if (column.role === "score" && better < 0) made.reverse(); // so that the best are drawn last, on top
  return [rest, ...made].filter((group) => group.rows.length);
}

// Adds a panel with a canvas. While it is visible, it is drawn after every change.
const panels = [];
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) entry.target.panel.visible = entry.isIntersecting;
  changed();
}, { rootMargin: "100px" });

function panel(place, label, height, draw) {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  canvas.style.height = `${height}px`;
  place.append(canvas);
  const made = { canvas, draw, visible: false, height, width: 0 };
  canvas.panel = made;
  panels.push(made);
  seen.observe(canvas);
  return made;
}

// Returns the cleared drawing context of a panel, in CSS pixels.
function begin(made) {
  const width = made.canvas.clientWidth, ratio = devicePixelRatio || 1;
  if (made.width !== width || made.ratio !== ratio) {
    Object.assign(made, { width, ratio, kept: null });
    Object.assign(made.canvas, { width: Math.round(width * ratio), height: Math.round(made.height * ratio) });
  }
  const context = made.canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, made.height);
  context.font = FONT;
  return context;
}

// Returns the context of a hidden canvas as large as the panel's, for what is drawn once and copied later.
function layer(made) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: made.canvas.width, height: made.canvas.height });
  const context = canvas.getContext("2d");
  context.setTransform(made.ratio, 0, 0, made.ratio, 0, 0);
  context.font = FONT;
  return context;
}

const stick = (context, made, other, opacity) => {
  context.globalAlpha = opacity;
  context.drawImage(other.canvas, 0, 0, made.width, made.height);
  context.globalAlpha = 1;
};

// Draws both axes, with titles and lines at the ticks.
function axes(context, box, across, up, titleAcross, titleUp) {
  context.strokeStyle = ink("line");
  context.fillStyle = ink("soft");
  context.lineWidth = 1;
  context.textBaseline = "top";
  context.textAlign = "center";
  let free = -Infinity;
  for (const [value, whole] of across.ticks(Math.max(2, box.width / 70))) {
    const text = cropped(context, whole, Math.max(64, box.width / (across.words?.length ?? 99)), true);
    const x = across.at(value), half = context.measureText(text).width / 2;
    line(context, x, box.top, x, box.top + box.height);
    if (x - half > free) context.fillText(text, Math.min(x, box.left + box.width - half + 6), box.top + box.height + 5);
    if (x - half > free) free = x + half + 6;
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const [value, text] of up.ticks(Math.max(2, box.height / 45))) {
    line(context, box.left, up.at(value), box.left + box.width, up.at(value));
    context.fillText(cropped(context, text, box.left - 8, true), box.left - 6, up.at(value));
  }
  context.fillStyle = ink("ink");
  context.textBaseline = "bottom";
  context.fillText(cropped(context, titleAcross, box.width), box.left + box.width, box.top + box.height + 34);
  context.textAlign = "left";
  context.textBaseline = "top";
  context.fillText(cropped(context, titleUp, box.width), 2, 2);
}

function line(context, x, y, toX, toY) {
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(toX, toY);
  context.stroke();
}

// Shortens a text to a width. It keeps the start of values (`start`), but the end of keys, which says more.
function cropped(context, text, width, start = false) {
  let shown = `${text}`;
  while (shown.length > 2 && context.measureText(shown).width > width) shown = start ? `${shown.slice(0, -2)}…` : `…${shown.slice(2)}`;
  return shown;
}

function frame(made, left = 58) {
  return { left, top: 24, width: Math.max(40, made.width - left - 14), height: made.height - 24 - 40 };
}
