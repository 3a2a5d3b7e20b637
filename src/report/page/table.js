// Shows the leaderboard: a row per configuration that passes the filter, with its interval drawn, and the command that repeats it.

const STEP = 25;
let most = STEP; // number of rows that are shown

// Makes an element with attributes and children; strings become text nodes, never HTML.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) key.startsWith("on") ? made.addEventListener(key.slice(2), value) : made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";
function shape(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function copier(text, label = "copy") {
  const button = element("button", { class: "copy", title: text, "aria-label": `copy ${text}` }, label);
  button.addEventListener("click", async (event) => {
    event.stopPropagation();
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "copied";
    } catch {
      button.replaceWith(element("code", { class: "whole" }, text)); // for copying by hand
    }
    setTimeout(() => { button.textContent = label; }, 1200);
  });
  return button;
}

const repeatsOf = (row) => trialsOf(row).filter((trial) => trials.score[trial] !== null).length;
const repeated = Array.from({ length: count }, (_, row) => firstTrial[row + 1] - firstTrial[row] > 1).some(Boolean);
const ranked = new Set(rows.group.filter((group) => group !== null)).size; // number of groups that are not ranked against each other
const told = (role) => columns.filter((column) => column.role === role);
const heads = [
  { name: "rank", title: "from the rows that are significantly better to those that are worse", value: (row) => row, text: rankText },
  { name: score.name, title: "mean over repeats", value: (row) => -better * score.values[row], text: (row) => textOf(score, score.values[row]) },
  { name: "interval", title: "95 % of the mean; dashed where it is known from the spread of other rows", value: (row) => rows.half[row] ?? Infinity, draw: interval },
  ...[...told("second"), ...told("sweep"), ...(ranked > 1 ? told("epochs") : []), ...keys, ...told("origin")].map((column) => ({
    name: column.name, label: column.label, title: column.name, value: (row) => column.values[row], text: (row) => textOf(column, column.values[row]),
  })),
  ...(repeated ? [{ name: "repeats", value: repeatsOf, text: repeatsOf }] : []),
  { name: "kept epoch", value: (row) => rows.kept[row] ?? Infinity, text: (row) => (rows.kept[row] === null ? "" : Math.round(rows.kept[row])) },
  ...told("seconds").map((column) => ({ name: "seconds", value: (row) => column.values[row], text: (row) => textOf(column, column.values[row]) })),
  ...(rows.state.some((state) => state !== "FINISHED") ? [{ name: "state", value: (row) => rows.state[row], text: (row) => rows.state[row].toLowerCase() }] : []),
];

function ordered() {
  const some = [];
  for (let row = 0; row < count; row += 1) if (selection.passed[row]) some.push(row);
  const head = heads.find((one) => one.name === view.sort.replace(/^-/, ""));
  if (!head) return some;
  const sign = view.sort.startsWith("-") ? -1 : 1;
  const known = (value) => (typeof value === "number" && !Number.isFinite(value) ? null : value);
  return some.map((row) => [known(head.value(row)), row]).sort(([one, first], [other, second]) => {
    if (one === null || other === null) return (one === null) - (other === null) || first - second;
    return sign * (one < other ? -1 : one > other ? 1 : 0) || first - second;
  }).map(([, row]) => row);
}

let span = null;
function interval(row) {
  const value = score.values[row];
  if (Number.isNaN(value)) return "";
  const at = (one) => Math.min(118, Math.max(2, 4 + ((one - span[0]) / (span[1] - span[0] || 1)) * 112)).toFixed(1);
  const half = rows.half[row];
  const text = half === null ? "not known: one repeat" : `${textOf(score, value - half)} to ${textOf(score, value + half)}`;
  const drawing = shape("svg", { width: 120, height: 14, viewBox: "0 0 120 14", role: "img", "aria-label": text }, shape("title", {}, text));
  const bar = { x1: at(value - half), x2: at(value + half), y1: 7, y2: 7, class: rows.pooled[row] ? "bar pooled" : "bar" };
  if (half !== null) drawing.append(shape("line", bar));
  drawing.append(shape("circle", { cx: at(value), cy: 7, r: 3.5, class: "dot" }));
  return drawing;
}

function leaderboard(place) {
  const body = element("tbody"), more = element("button", { class: "more", onclick: () => { most += 4 * STEP; fill(); } });
  const buttons = heads.map((head) => element("button", { title: head.title ?? "", onclick: () => {
    see({ sort: view.sort === head.name ? `-${head.name}` : head.name });
  } }, head.label ?? head.name));
  const cells = heads.map((head, column) => element("th", { scope: "col" }, buttons[column]));
  place.append(element("div", { class: "scroll" }, element("table", {}, element("thead", {}, element("tr", {}, ...cells, element("th", { scope: "col", title: "the command that repeats it" }, "command"))), body)), more);
  body.addEventListener("keydown", (event) => {
    const row = event.target.closest("tr"), next = { ArrowDown: row.nextSibling, ArrowUp: row.previousSibling }[event.key];
    if (next) next.focus();
    if (event.target === row && ["Enter", " "].includes(event.key)) pick(Number(row.dataset.row), event.shiftKey);
    if (next || (event.target === row && event.key === " ")) event.preventDefault();
  });

  function fill() {
    const some = ordered(), shown = some.slice(0, most);
    const ends = shown.flatMap((row) => [-1, 1].map((sign) => score.values[row] + sign * (rows.half[row] ?? 0))).filter(Number.isFinite);
    span = [Math.min(...ends), Math.max(...ends)];
    const focused = document.activeElement?.dataset?.row;
    body.replaceChildren(...shown.map(rowOf));
    if (focused !== undefined) body.querySelector(`[data-row="${focused}"]`)?.focus();
    more.hidden = some.length <= most;
    more.textContent = `${some.length - most} more rows`;
    heads.forEach((head, column) => {
      const sorted = view.sort.replace(/^-/, "") === head.name;
      cells[column].setAttribute("aria-sort", sorted ? (view.sort.startsWith("-") ? "descending" : "ascending") : "none");
    });
  }

  function rowOf(row) {
    const cells = heads.map((head) => element("td", {}, head.draw ? head.draw(row) : `${head.text(row)}`));
    for (const mark of rows.marks[row].split(" ").filter(Boolean)) cells[0].append(element("span", { class: `mark ${mark}` }, mark));
    const made = element("tr", { tabindex: 0, "aria-selected": selection.picked.has(row), onclick: (event) => pick(row, event.shiftKey) }, ...cells);
    made.dataset.row = row;
    made.append(element("td", {}, copier(commandOf(row))));
    return made;
  }
  listeners.push(fill);
}
