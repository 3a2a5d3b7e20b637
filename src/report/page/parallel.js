// Draws parallel coordinates: a line per configuration through one axis per key and the score. Dragging along an axis selects a range.

const CHUNK = 150; // lines that are drawn before the browser handles events
const STRIDE = 16; // if there are many lines, every sixteenth is drawn first

function parallel(place) {
  const shown = [...keys, score];
  const made = panel(place, "parallel coordinates of all configurations", 380, draw);
  made.canvas.style.minWidth = `${Math.max(300, shown.length * 96)}px`;
  brush(made, (from, to, start) => {
    const near = axisAt(start[0]);
    range([[near.column, inside(near.scale, to[1], from[1], made.top, made.span)]]);
  }, (point) => lineAt(made, point));
  const axisAt = (x) => made.axes.reduce((one, other) => (Math.abs(other.x - x) < Math.abs(one.x - x) ? other : one));

  function draw() {
    begin(made);
    if (!made.kept || made.colours !== groups()) {
      prepare();
      progress(made, made.kept, () => true, () => made.kept, show);
    }
    made.front = selection.active ? layer(made) : null;
    if (made.front) progress(made, made.front, (row) => selection.mask[row], () => made.front, show);
    show();
  }

  function prepare() {
    made.top = 52;
    made.span = made.height - made.top - 44;
    const gap = (made.width - 150) / (shown.length - 1);
    made.axes = shown.map((column, place) => {
      const axis = scaleOf(column, made.top + made.span, made.top), unset = column.key && column.values.some(Number.isNaN) ? [[null, "unset"]] : [];
      return { column, x: 50 + place * gap, scale: axis, texts: [...axis.ticks(column.words ? 14 : 6), ...unset] };
    });
    made.colours = groups();
    made.places = made.axes.map(({ column, scale: axis }) => Float32Array.from(column.values, (value) => (Number.isNaN(value) ? made.height - 22 : axis.at(value))));
    made.kept = layer(made);
    made.labels = layer(made);
    made.axes.forEach((axis) => labelled(made.labels, axis));
  }

  function show() {
    const context = made.canvas.getContext("2d");
    context.clearRect(0, 0, made.width, made.height);
    stick(context, made, made.kept, made.front ? 0.12 : 1);
    if (made.front) stick(context, made, made.front, 1);
    stick(context, made, made.labels, 1);
    for (const { column, x, scale: axis } of made.axes) {
      const selected = selection.ranges.get(column.name);
      if (selected) shadeRange(context, axis, selected, (from, to) => [x - 9, to, 18, from - to]);
    }
  }

  function labelled(context, { column, x, scale: axis, texts }) {
    context.strokeStyle = ink("ink");
    context.lineWidth = 1;
    line(context, x, made.top, x, made.top + made.span);
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    for (const [value, text] of texts) {
      const y = value === null ? made.height - 22 : axis.at(value);
      written(context, cropped(context, text, 90, true), x + 5, y);
    }
    const gap = made.axes.length > 1 ? made.axes[1].x - made.axes[0].x : 200;
    context.textAlign = "center";
    const [group, ...rest] = column.name.split(".");
    if (rest.length) written(context, cropped(context, `${group}.`, gap - 8), x, 12, ink("soft"));
    written(context, cropped(context, (rest.length ? rest.join(".") : group) + (column.log ? " (log)" : ""), gap - 8), x, 28, ink("ink"));
  }
}

// Draws a text with an outline, so that it stays readable on lines.
function written(context, text, x, y, colour = ink("ink")) {
  context.lineWidth = 4;
  context.strokeStyle = ink("paper");
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
}

// Draws the lines of the wanted rows, the best last; if there are many, some at once and the others in the next frames.
// It stops when `present` returns another context, which replaced this one.
function progress(made, context, wanted, present, show) {
  const chosen = [];
  for (const group of made.colours.list) for (const row of group.rows) if (wanted(row) && !Number.isNaN(score.values[row])) chosen.push(row);
  const queue = chosen.length > 400 ? [] : chosen;
  if (chosen.length > 400) for (let pass = 0; pass < STRIDE; pass += 1) for (let at = pass; at < chosen.length; at += STRIDE) queue.push(chosen[at]);
  if (chosen.length > 400) queue.push(...chosen.slice(-60));
  context.globalAlpha = Math.min(0.85, Math.max(0.25, 12 / Math.sqrt(Math.max(1, chosen.length))));
  context.lineWidth = chosen.length < 12 ? 2.5 : chosen.length < 200 ? 1.5 : 1;
  let next = 0;
  const step = () => {
    if (present() !== context) return;
    const end = next + CHUNK;
    while (next < queue.length && next < end) next = stroke(made, context, queue, next);
    show();
    if (next < queue.length) requestAnimationFrame(step);
  };
  step();
}

// Strokes up to fifty lines of one colour; returns the place of the next line.
function stroke(made, context, queue, from) {
  const colour = made.colours.colours[queue[from]];
  let next = from;
  context.strokeStyle = colour;
  context.beginPath();
  while (next < queue.length && next < from + 50 && made.colours.colours[queue[next]] === colour) {
    made.axes.forEach(({ x }, axis) => context[axis ? "lineTo" : "moveTo"](x, made.places[axis][queue[next]]));
    next += 1;
  }
  context.stroke();
  return next;
}

function lineAt(made, [x, y]) {
  const after = made.axes.findIndex((axis) => axis.x >= x);
  if (after < 1) return null;
  const share = (x - made.axes[after - 1].x) / (made.axes[after].x - made.axes[after - 1].x);
  let best = null, least = 7;
  for (const row of scored) {
    if (selection.active && !selection.mask[row]) continue;
    const distance = Math.abs(made.places[after - 1][row] * (1 - share) + made.places[after][row] * share - y);
    if (distance < least) [best, least] = [row, distance];
  }
  return best;
}
