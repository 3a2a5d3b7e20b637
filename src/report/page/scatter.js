// Draws configurations as points between two axes: slices, cost, epochs, and the contour of two keys. A rectangle selects its points.

const jitter = (row) => (((row * 2654435761) >>> 8) % 1000) / 1000 - 0.5; // spreads points with the same word

// Adds a panel. `between` returns its two columns; `under` draws a picture below the points.
function scatter(place, height, between, under = null) {
  const made = panel(place, `configurations by ${between().map((column) => column.name).join(" and ")}`, height, draw);
  brush(made, (from, to) => {
    if (!made.across) return;
    const { across, up, x, y } = made;
    range([[x, inside(across, from[0], to[0], made.box.left, made.box.width)], [y, inside(up, to[1], from[1], made.box.top, made.box.height)]]);
  }, (point) => nearest(made, point));

  function draw() {
    const [x, y] = between();
    const context = begin(made);
    const box = frame(made, y.words ? 96 : 58);
    const across = scaleOf(x, box.left, box.left + box.width, 0.03), up = scaleOf(y, box.top + box.height, box.top, 0.04);
    const stale = made.x !== x || made.y !== y || made.colours !== groups();
    if (stale || !made.kept) {
      Object.assign(made, { x, y, across, up, box, colours: groups(), points: places(x, y, across, up, box) });
      made.field = under ? layer(made) : null;
      if (under) under(made.field, made);
      made.kept = layer(made);
      dots(made.kept, made, () => true);
    }
    if (made.field) stick(context, made, made.field, 0.55);
    axes(context, box, across, up, x.log ? `${x.label} (log)` : x.label, y.log ? `${y.label} (log)` : y.label);
    if (across.cut || up.cut) note(context, made, `${across.cut + up.cut} beyond the axis lie at its edge`);
    stick(context, made, made.kept, selection.active ? 0.16 : 1);
    if (selection.active) dots(context, made, (row) => selection.mask[row]);
    const named = (column) => selection.ranges.get(column.name);
    if (named(x)) shadeRange(context, across, named(x), (from, to) => [from, box.top, to - from, box.height]);
    if (named(y)) shadeRange(context, up, named(y), (from, to) => [box.left, to, box.width, from - to]);
  }
  return made;
}

function places(x, y, across, up, box) {
  const found = { x: new Float32Array(count).fill(NaN), y: new Float32Array(count) };
  for (let row = 0; row < count; row += 1) {
    if (Number.isNaN(x.values[row]) || Number.isNaN(y.values[row]) || Number.isNaN(score.values[row])) continue;
    const besides = (column, length) => (column.words && count > 20 ? (jitter(row) * 0.6 * length) / column.words.length : 0);
    found.x[row] = across.at(x.values[row]) + besides(x, box.width);
    found.y[row] = up.at(y.values[row]) + besides(y, box.height);
  }
  return found;
}

function dots(context, made, wanted) {
  const size = count > 3000 ? 2.5 : count > 300 ? 4 : 7;
  context.globalAlpha = count > 300 ? 0.75 : 0.9;
  for (const group of made.colours.list) {
    context.fillStyle = group.colour;
    for (const row of group.rows) {
      if (!wanted(row) || Number.isNaN(made.points.x[row])) continue;
      if (size < 5) context.fillRect(made.points.x[row] - size / 2, made.points.y[row] - size / 2, size, size);
      else disc(context, made.points.x[row], made.points.y[row], size / 2);
    }
  }
  context.globalAlpha = 1;
}

function disc(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.fill();
}

function note(context, made, text) {
  context.fillStyle = ink("soft");
  context.textAlign = "right";
  context.textBaseline = "top";
  context.fillText(text, made.width - 14, 4);
}

function shadeRange(context, axis, [low, high], rectangle) {
  context.fillStyle = ink("brush");
  context.fillRect(...rectangle(axis.at(Math.max(low, axis.low)), axis.at(Math.min(high, axis.high))));
}

// Returns the range of values between two pixels. An end at the edge of the panel includes the values that were cut off there.
function inside(axis, from, to, start, length) {
  const [low, high] = [axis.back(from), axis.back(to)].sort((one, other) => one - other);
  const close = length * 0.015;
  const edges = [from, to].map((pixel) => pixel < start + close || pixel > start + length - close);
  const all = edges[0] && edges[1];
  if (all) return null;
  const cut = (value, end) => (axis.cut && Math.abs(axis.at(value) - axis.at(end)) < close ? (end === axis.low ? -1e300 : 1e300) : value);
  return [cut(low, axis.low), cut(high, axis.high)];
}

function nearest(made, [x, y]) {
  let best = null, least = 14 ** 2;
  if (!made.points) return null;
  for (let row = 0; row < count; row += 1) {
    const distance = (made.points.x[row] - x) ** 2 + (made.points.y[row] - y) ** 2;
    if (distance < least) [best, least] = [row, distance];
  }
  return best;
}

// Lets the reader select by dragging, pick a row by a click, and read a row's name by pointing at it.
const tip = document.getElementById("tip");
let dragging = false;
function brush(made, drag, find) {
  let start = null, moved = false;
  const at = (event) => [event.offsetX, event.offsetY];
  made.canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    [start, moved, dragging] = [at(event), false, true];
    made.canvas.setPointerCapture(event.pointerId);
  });
  made.canvas.addEventListener("pointermove", (event) => {
    const point = at(event);
    if (start && Math.hypot(point[0] - start[0], point[1] - start[1]) > 4) moved = true;
    if (start && moved) drag(corner(start, point, Math.min), corner(start, point, Math.max), start);
    else tell(event, find(point));
  });
  const end = (event) => {
    const row = start && !moved && event.type === "pointerup" ? find(at(event)) : null;
    [start, dragging] = [null, false];
    if (row !== null) pick(row, event.shiftKey);
  };
  for (const name of ["pointerup", "pointercancel"]) made.canvas.addEventListener(name, end);
  made.canvas.addEventListener("pointerleave", () => tell(null, null));
}

const corner = (one, other, choose) => [choose(one[0], other[0]), choose(one[1], other[1])];

function tell(event, row) {
  tip.hidden = row === null || row === undefined;
  if (tip.hidden) return;
  tip.textContent = `${rows.rank[row] ? `rank ${rankText(row)}: ` : ""}${score.name} ${textOf(score, score.values[row]) || "none"}\n${nameOf(row)}`;
  const { clientX, clientY } = event;
  tip.style.left = `${Math.min(clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${Math.min(clientY + 14, innerHeight - tip.offsetHeight - 8)}px`;
}

const rankText = (row) => (rows.rank[row] ? [...new Set(rows.rank[row])].join("–") : "");

// Draws the contour below the points of two keys: the mean score around each place with points, in bands of colour.
const CELLS = 120, BANDS = 10;
function contour(context, made) {
  const { box, across, up, points, x, y } = made;
  const sums = new Float64Array(CELLS * CELLS), weights = new Float64Array(CELLS * CELLS);
  const level = scaleOf(score, 0, BANDS - 1e-9);
  for (const row of scored) {
    if (Number.isNaN(points.x[row])) continue;
    const cell = [(across.at(x.values[row]) - box.left) / box.width, (up.at(y.values[row]) - box.top) / box.height].map((share) =>
      Math.min(CELLS - 1, Math.max(0, Math.floor(share * CELLS))));
    sums[cell[1] * CELLS + cell[0]] += level.at(score.values[row]);
    weights[cell[1] * CELLS + cell[0]] += 1;
  }
  const known = scored.filter((row) => !Number.isNaN(points.x[row])).length;
  const radius = Math.max(CELLS / 40, (CELLS * 0.55) / Math.sqrt(Math.max(1, known)));
  const kernels = [across, up].map(({ words }) => (words ? flat((0.45 * CELLS) / words.length) : normal(radius)));
  const [smooth, density] = [blurred(sums, kernels), blurred(weights, kernels)];
  const least = [across, up].reduce((one, { words }) => (words ? one : (one * 0.6) / (radius * Math.sqrt(2 * Math.PI))), 1);
  const [wide, high] = [box.width / CELLS, box.height / CELLS];
  for (let cell = 0; cell < CELLS * CELLS; cell += 1) {
    if (density[cell] < least) continue;
    const band = Math.min(BANDS - 1, Math.floor(smooth[cell] / density[cell]));
    context.fillStyle = shade(bright(score, band / (BANDS - 1)));
    context.fillRect(box.left + (cell % CELLS) * wide, box.top + Math.floor(cell / CELLS) * high, wide + 0.5, high + 0.5);
  }
}

const normal = (width) => kernel(3 * width, (place) => Math.exp(-((place / width) ** 2) / 2) / (width * Math.sqrt(2 * Math.PI)));
const flat = (reach) => kernel(Math.max(0, reach - 1), () => 1); // a word has no neighbours, so its lane is not blurred into others
const kernel = (reach, weight) => Array.from({ length: 2 * Math.ceil(reach) + 1 }, (_, place) => weight(place - Math.ceil(reach)));

// Convolves a grid with one kernel along each axis.
function blurred(grid, [wide, high]) {
  let found = grid;
  for (const [weights, stride, other] of [[wide, 1, CELLS], [high, CELLS, 1]]) {
    const reach = (weights.length - 1) / 2, next = new Float64Array(CELLS * CELLS);
    for (let lane = 0; lane < CELLS; lane += 1)
      for (let cell = 0; cell < CELLS; cell += 1)
        for (let place = Math.max(0, cell - reach); place <= Math.min(CELLS - 1, cell + reach); place += 1)
          next[lane * other + cell * stride] += found[lane * other + place * stride] * weights[place - cell + reach];
    found = next;
  }
  return found;
}
