// Draws metrics per epoch: validation solid, training dashed, repeats as a band around their mean, a dot at the kept epoch.

const { curves } = trials;
const unpacked = (() => {
  const text = atob(curves.values), bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place += 1) bytes[place] = text.charCodeAt(place);
  return new Float32Array(bytes.buffer);
})();
const starts = new Int32Array(trials.row.length + 1);
curves.lengths.forEach((length, trial) => { starts[trial + 1] = starts[trial] + length * curves.names.length; });
const plain = curves.names.filter((name) => !(name.startsWith("val_") && curves.names.includes(name.slice(4))));
const MOST_LINES = 60, MOST_BAND = 1000; // most configurations with their own lines; most trials from which a band is computed

// Returns the values of a trial's metric as [epoch, value].
function curve(trial, name) {
  const metric = curves.names.indexOf(name), length = curves.lengths[trial], start = starts[trial] + metric * length;
  if (metric < 0) return [];
  const found = [];
  for (let place = 0; place < length; place += 1) {
    const value = unpacked[start + place];
    if (Number.isFinite(value)) found.push([curves.first[trial] + place * curves.step, value]);
  }
  return found;
}

const trialsOf = (row) => Array.from({ length: firstTrial[row + 1] - firstTrial[row] }, (_, place) => firstTrial[row] + place);

// Returns [epoch, middle, low, high] over several trials: mean and range if `whole`, otherwise the median and the middle 90 %,
// for epochs that enough of them have.
function band(some, name, whole) {
  const step = Math.max(1, Math.ceil(some.length / MOST_BAND)), at = new Map();
  let number = 0;
  for (let place = 0; place < some.length; place += step) {
    const found = curve(some[place], name);
    number += found.length > 0;
    for (const [epoch, value] of found) at.has(epoch) ? at.get(epoch).push(value) : at.set(epoch, [value]);
  }
  const shown = [...at].sort(([one], [other]) => one - other).filter(([, values]) => values.length * (whole ? 2 : 4) >= number);
  return shown.map(([epoch, values]) => {
    const sorted = Float64Array.from(values).sort(), last = sorted.length - 1;
    const middle = whole ? values.reduce((one, other) => one + other, 0) / values.length : sorted[Math.floor(last / 2)];
    return [epoch, middle, ...(whole ? [sorted[0], sorted[last]] : [sorted[Math.floor(0.05 * last)], sorted[Math.ceil(0.95 * last)]])];
  });
}

function learning(place, caption) {
  const made = panel(place, "learning curves", 360, draw);
  let shown = [];
  brush(made, () => {}, (point) => closest(made, shown, point));

  function draw() {
    const context = begin(made), box = frame(made);
    const name = plain.includes(view.metric) ? view.metric : plain.find((one) => data.objective.name.endsWith(one)) ?? plain[0];
    const sides = curves.names.includes(`val_${name}`) ? [`val_${name}`, name] : [name];
    const rest = view.lines === "each" ? { list: rowsOf(sides), of: "each" } : { list: groupsShown(sides), of: "groups" };
    shown = rest.list;
    const all = rest.of === "each" ? everything(sides[0]) : [];
    const points = [...shown.flatMap((one) => one.sides.flat()), ...all];
    const [low, high] = ends(points);
    const across = scale(1, points.reduce((last, [epoch]) => Math.max(last, epoch), 2), box.left, box.left + box.width, { whole: true });
    const up = scale(low, high, box.top + box.height, box.top);
    Object.assign(made, { across, up });
    axes(context, box, across, up, "epoch", sides[0]);
    context.save();
    context.beginPath();
    context.rect(box.left, box.top, box.width, box.height);
    context.clip();
    if (all.length) area(context, across, up, all, ink("grey"), 0.18);
    [...shown].reverse().forEach((one) => drawn(context, across, up, one));
    context.restore();
    caption.textContent = said(sides, rest.of, all.length > 0);
  }

  function rowsOf(sides) {
    const found = [];
    for (let row = 0; row < count && found.length < MOST_LINES; row += 1) {
      if (!selection.mask[row]) continue;
      const own = trialsOf(row).filter((trial) => curves.lengths[trial]), ended = own.filter((trial) => trials.score[trial] !== null);
      const some = ended.length ? ended : own; // without failed and running trials, which are shorter
      const all = some.length ? sides.map((side) => band(some, side, true)) : [];
      if (some.length && all[0].length) found.push({ row, sides: all, colour: groups().colours[row], repeats: some.length, kept: keptOf(row) });
    }
    return found;
  }

  function groupsShown(sides) {
    const made = groups().list.map((group) => ({ ...group, trials: group.rows.filter((row) => selection.mask[row]).flatMap(trialsOf) }));
    const some = made.filter((group) => group.trials.length);
    return some.map((group) => ({ row: null, sides: sides.map((side) => band(group.trials, side, false)), colour: group.colour, repeats: some.length < 7 ? 2 : 1, kept: null }))
      .filter((group) => group.sides[0].length);
  }

  function everything(name) {
    if (selection.number <= MOST_LINES) return [];
    const some = [];
    for (let trial = 0; trial < trials.row.length; trial += 1) if (selection.mask[trials.row[trial]]) some.push(trial);
    return band(some, name, false);
  }

  function said(sides, of, more) {
    const parts = [`${sides[0]} solid${sides[1] ? `, ${sides[1]} dashed` : ""}`];
    if (of === "groups") parts.push("the median of each colour, and the middle 90 %");
    else parts.push("a dot at the kept epoch", "repeats as a band around their mean");
    if (more) parts.push(`lines: the best ${shown.length} of ${selection.number}; grey: the middle 90 % of all`);
    if (curves.step > 1) parts.push(`every ${curves.step}th epoch`);
    return `${parts.join("; ")}.`;
  }
  return made;
}

function keptOf(row) {
  const some = trialsOf(row).map((trial) => trials.kept[trial]).filter((epoch) => epoch !== null);
  return some.length ? some.reduce((one, other) => one + other, 0) / some.length : null;
}

// Returns the ends of the axis; a few values that are far from the others are cut off.
function ends(points) {
  const found = Float64Array.from(points, ([, value]) => value).sort(), last = found.length - 1;
  if (last < 0) return [0, 1];
  const [low, high] = [found[Math.floor(0.02 * last)], found[Math.ceil(0.98 * last)]];
  const gap = high - low || Math.abs(high) || 1;
  return [Math.max(found[0], low - 0.4 * gap), Math.min(found[last], high + 0.4 * gap)];
}

function area(context, across, up, points, colour, opacity) {
  context.globalAlpha = opacity;
  context.fillStyle = colour;
  context.beginPath();
  points.forEach(([epoch, , , high], place) => context[place ? "lineTo" : "moveTo"](across.at(epoch), up.at(high)));
  [...points].reverse().forEach(([epoch, , low]) => context.lineTo(across.at(epoch), up.at(low)));
  context.fill();
  context.globalAlpha = 1;
}

function drawn(context, across, up, { sides, colour, repeats, kept }) {
  if (repeats > 1) area(context, across, up, sides[0], colour, 0.16);
  context.strokeStyle = colour;
  sides.forEach((points, side) => {
    context.setLineDash(side ? [4, 3] : []);
    context.lineWidth = side ? 1 : 1.8;
    context.globalAlpha = side ? 0.6 : 0.95;
    context.beginPath();
    points.forEach(([epoch, value], place) => context[place ? "lineTo" : "moveTo"](across.at(epoch), up.at(value)));
    context.stroke();
  });
  context.setLineDash([]);
  context.globalAlpha = 1;
  context.fillStyle = colour;
  if (sides[0].length === 1) disc(context, across.at(sides[0][0][0]), up.at(sides[0][0][1]), 4);
  const at = kept === null ? null : sides[0].reduce((one, other) => (Math.abs(other[0] - kept) < Math.abs(one[0] - kept) ? other : one));
  if (at) disc(context, across.at(at[0]), up.at(at[1]), 3.5);
}

function closest(made, shown, [x, y]) {
  let best = null, least = 12 ** 2;
  for (const { row, sides } of shown)
    for (const [epoch, value] of sides[0]) {
      const distance = (made.across.at(epoch) - x) ** 2 + (made.up.at(value) - y) ** 2;
      if (row !== null && distance < least) [best, least] = [row, distance];
    }
  return best;
}
