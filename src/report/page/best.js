// Draws the best score so far over the trials, and the expected best score of as many trials in random order. Source: Dodge et al. 2019,
// arXiv:1909.03004, "Show your work"; drawn without replacement, as in Tang et al. 2020, arXiv:2004.13705, so that the curve ends at the
// best score. Trials without a score count as the worst.

const order = Array.from(trials.row, (_, trial) => trial)
  .sort((one, other) => trials.sweep[one] - trials.sweep[other] || trials.number[one] - trials.number[other]);
const ended = order.filter((trial) => trials.score[trial] !== null || !/^(RUNNING|SCHEDULED|KILLED)/.test(trials.causes[trials.cause[trial]]));

const placeOf = new Int32Array(trials.row.length);
ended.forEach((trial, place) => { placeOf[trial] = place + 1; });

// Returns quantiles of the best of `number` scores that are drawn without replacement from `sorted`, which begins with the worst.
function bestOf(sorted, number, quantiles) {
  const found = [];
  let share = 1, place = sorted.length; // share: the probability that all drawn scores are among the `place` worst
  for (const quantile of [...quantiles].sort((one, other) => other - one)) {
    while (place > 1 && (share * Math.max(0, place - number)) / place >= quantile) {
      share *= (place - number) / place;
      place -= 1;
    }
    found.unshift(sorted[place - 1]);
  }
  return found;
}

function chance(some) {
  const sorted = Float64Array.from(some, (trial) => (trials.score[trial] === null ? -Infinity : better * trials.score[trial])).sort();
  const numbers = new Set([1, sorted.length]);
  for (let step = 0; step <= 60; step += 1) numbers.add(Math.max(1, Math.round(sorted.length ** (step / 60)))).add(Math.max(1, Math.round((sorted.length * step) / 60)));
  return [...numbers].filter((number) => number <= sorted.length).sort((one, other) => one - other)
    .map((number) => {
      const [low, middle, high] = bestOf(sorted, number, [0.05, 0.5, 0.95]).map((value) => better * value);
      return [number, middle, low, high];
    });
}

function best(place, caption) {
  const ofAll = chance(ended), values = ended.map((trial) => trials.score[trial]).filter((value) => value !== null).sort((one, other) => better * (one - other));
  const made = panel(place, "best so far against the number of trials", 330, draw);
  brush(made, () => {}, (point) => trialAt(made, point));

  function draw() {
    const context = begin(made), box = frame(made);
    const low = values[Math.floor(values.length * (values.length > 20 ? 0.3 : 0))] ?? 0, high = values[values.length - 1] ?? 1;
    const [from, to] = [low - (high - low) * 0.04, high + (high - low) * 0.06].sort((one, other) => one - other);
    const across = scale(1, Math.max(2, ended.length), box.left + 4, box.left + box.width - 4, { log: ended.length >= 200, whole: true });
    const up = scale(from, to, box.top + box.height, box.top);
    Object.assign(made, { across, up });
    axes(context, box, across, up, ended.length >= 200 ? "trials (log)" : "trials", `best ${score.name}`);
    context.save();
    context.beginPath();
    context.rect(box.left, box.top, box.width, box.height + 1);
    context.clip();
    const by = view.best === "colour" ? groups().list.filter((group) => group.label) : [];
    by.length ? by.forEach((group) => grouped(context, across, up, group)) : together(context, across, up);
    context.restore();
    const what = by.length
      ? `The best of so many trials of each ${groups().column.name} in random order: the median, and the middle 90 %. Whose curve is ${better > 0 ? "higher" : "lower"} at equal cost is better, not better tuned.`
      : `Line: the best so far, in the order of the trials. Band: the best of as many of these trials in random order, the middle 90 %; ${better > 0 ? "above" : "below"} it the search was better than chance.`;
    caption.textContent = what;
  }

  function together(context, across, up) {
    area(context, across, up, ofAll.map(bounded(up)), ink("accent"), 0.16);
    if (!made.kept || made.colours !== groups()) {
      made.colours = groups();
      made.kept = layer(made);
      points(made.kept, across, up, () => true);
    }
    stick(context, made, made.kept, selection.active ? 0.16 : 1);
    if (selection.active) points(context, across, up, (row) => selection.mask[row]);
    context.strokeStyle = ink("ink");
    context.lineWidth = 2;
    context.beginPath();
    let least = null;
    ended.forEach((trial, place) => {
      const value = trials.score[trial];
      if (value === null || (least !== null && better * (value - least) <= 0)) return;
      if (least === null) context.moveTo(across.at(place + 1), up.at(value));
      else context.lineTo(across.at(place + 1), up.at(least));
      context.lineTo(across.at(place + 1), up.at(value));
      least = value;
    });
    if (least !== null) context.lineTo(across.at(Math.max(2, ended.length)), up.at(least));
    context.stroke();
  }

  function points(context, across, up, wanted) {
    const size = ended.length > 1000 ? 2 : 4;
    context.globalAlpha = ended.length > 300 ? 0.5 : 0.8;
    for (const group of made.colours.list) {
      context.fillStyle = group.colour;
      for (const row of group.rows)
        if (wanted(row))
          for (const trial of trialsOf(row))
            if (trials.score[trial] !== null) context.fillRect(across.at(placeOf[trial]) - size / 2, up.at(trials.score[trial]) - size / 2, size, size);
    }
    context.globalAlpha = 1;
  }

  function grouped(context, across, up, group) {
    const some = group.rows.filter((row) => !selection.active || selection.mask[row]).flatMap(trialsOf);
    if (!some.length) return;
    const made = chance(some).map(bounded(up));
    area(context, across, up, made, group.colour, 0.16);
    context.strokeStyle = group.colour;
    context.lineWidth = 2;
    context.beginPath();
    made.forEach(([number, middle], step) => context[step ? "lineTo" : "moveTo"](across.at(number), up.at(middle)));
    context.stroke();
  }

  // Moves quantiles of trials without a score to the edge of the axis.
  function bounded(up) {
    const worst = better > 0 ? up.low : up.high;
    return ([number, ...values]) => [number, ...values.map((value) => (Number.isFinite(value) ? value : worst))];
  }
  return made;
}

function trialAt(made, [x, y]) {
  let found = null, least = 10 ** 2;
  ended.forEach((trial, place) => {
    if (trials.score[trial] === null) return;
    const distance = (made.across.at(place + 1) - x) ** 2 + (made.up.at(trials.score[trial]) - y) ** 2;
    if (distance < least) [found, least] = [trials.row[trial], distance];
  });
  return found;
}
