// The parts without a canvas: sentences, importance, failures, pictures, and the bar that describes the selection.

const by = (id) => document.getElementById(id);

function sentences() {
  by("answer").textContent = data.answer;
  const [[what, next] = []] = data.commands;
  by("next").hidden = !next;
  if (next) by("next").append(element("code", { class: "whole" }, next), copier(next), element("span", { class: "soft" }, ` ${what}`));
  for (const [id, list] of [["said", data.said], ["advice", data.advice]]) {
    by(id).append(...list.map((line) => element("li", {}, line)));
    by(id).hidden = !list.length;
  }
  const number = `${count} configuration${count === 1 ? "" : "s"}, ${trials.row.length} trial${trials.row.length === 1 ? "" : "s"}`;
  const facts = [number, `${data.objective.direction} ${data.objective.name}`, data.device, `made ${data.made}`, data.running ? "the sweep ran then: this page loads itself again each minute" : ""];
  by("facts").textContent = facts.filter(Boolean).join(" · ");
  by("typed").hidden = !next;
  by("commands").append(...data.commands.flatMap(([what, command]) => [element("dt", {}, what), element("dd", {}, element("code", { class: "whole" }, command), copier(command))]));
}

function importance() {
  const share = (value) => (value < 0.1 ? `${Number(value.toPrecision(1))}` : value.toFixed(2));
  by("importance").hidden = !data.importance.length;
  for (const one of data.importance) {
    const text = `${share(one.share)} (${share(one.low)} to ${share(one.high)})`;
    const at = (share) => 2 + 216 * share;
    const bar = shape("svg", { viewBox: "0 0 220 16", role: "img", "aria-label": text },
      shape("rect", { x: 2, y: 3, height: 10, width: 216 * one.share, class: "share" }),
      shape("line", { x1: at(one.low), x2: at(one.high), y1: 8, y2: 8, class: "bar" }));
    const name = one.partial ? `${one.key} (of ${one.configurations} configurations)` : one.key;
    by("bars").append(element("button", { title: "colour by it", onclick: () => see({ colour: one.key }) }, name), bar, element("span", {}, text));
  }
}

function failures() {
  const numbers = new Map();
  trials.cause.forEach((cause, trial) => {
    if (trials.score[trial] === null && !/^(RUNNING|SCHEDULED)/.test(trials.causes[cause])) numbers.set(cause, [...(numbers.get(cause) ?? []), trials.row[trial]]);
  });
  by("failures").hidden = !numbers.size;
  for (const [cause, some] of [...numbers].sort(([, one], [, other]) => other.length - one.length)) {
    const share = some.length / trials.row.length;
    const bar = shape("svg", { viewBox: "0 0 220 16", role: "img", "aria-label": `${some.length} trials` }, shape("rect", { x: 2, y: 3, height: 10, width: Math.max(1.5, 216 * share), class: "failed" }));
    const button = element("button", { title: "select them", onclick: () => select({ picked: new Set(some) }) }, trials.causes[cause]);
    by("causes").append(button, bar, element("span", {}, `${some.length} of ${trials.row.length}`));
  }
}

function pictures() {
  const made = Object.entries(data.pictures);
  by("pictures").hidden = !made.length;
  for (const [name, source] of made) {
    const figure = element("figure", {}, element("button", { "aria-label": `enlarge ${name}`, onclick: () => figure.classList.toggle("large") }, element("img", { src: source, alt: name })), element("figcaption", {}, name.replace(/\.png$/, "").replaceAll("_", " ")));
    by("gallery").append(figure);
  }
}

// Fills the bar at the bottom: number and scores of the selected rows, and the best of them with its trials and its command.
function bar() {
  by("mistake").textContent = selection.mistake;
  by("clear").disabled = !selection.active;
  by("bar").hidden = !selection.active;
  by("number").textContent = selection.active ? `${selection.number} of ${count}` : `${count} row${count === 1 ? "" : "s"}`;
  if (!selection.active) return;
  const some = scored.filter((row) => selection.mask[row]);
  const values = some.map((row) => score.values[row]).sort((one, other) => one - other);
  const first = some[0] ?? selection.mask.indexOf(1);
  const parts = [`${selection.number} of ${count} selected`];
  if (values.length > 1) parts.push(`${score.name} ${textOf(score, values[0])} to ${textOf(score, values[values.length - 1])}, median ${textOf(score, values[Math.floor(values.length / 2)])}`);
  by("summary").textContent = parts.join(" · ");
  by("one").replaceChildren();
  if (first < 0) return;
  const each = trialsOf(first).slice(0, 8).map((trial) => [`trial ${trials.number[trial] + 1}`, trials.seed[trial], textOf(score, trials.score[trial] ?? NaN) || trials.causes[trials.cause[trial]], trials.run[trial] && `run ${trials.run[trial].slice(0, 8)}`].filter(Boolean).join(", "));
  by("one").append(element("strong", {}, `${selection.number > 1 ? "the best of them: " : ""}${nameOf(first)}`), element("span", {}, each.join(" · ")), element("code", { class: "whole" }, commandOf(first)), copier(commandOf(first)));
}

// Explains the colours: a name for each, or the ends of a scale.
function legend() {
  const { list, column } = groups(), place = by("legend");
  const square = (colour) => { const made = element("i"); made.style.background = colour; return made; };
  if (column.words) {
    place.replaceChildren(...[...list].reverse().map((group) => element("span", {}, square(group.colour), group.label)));
    return;
  }
  const axis = scaleOf(column, 0, 1), ramp = element("i", { class: "ramp" });
  ramp.style.background = `linear-gradient(to right, ${Array.from({ length: 9 }, (_, step) => shade(bright(column, step / 8))).join(",")})`;
  place.replaceChildren(element("span", {}, textOf(column, axis.low), ramp, textOf(column, axis.high)));
}
