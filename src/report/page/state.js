// The data of the page, and the selection that all panels share. A row is a configuration; its trials repeat it.

const data = JSON.parse(document.getElementById("data").textContent);
const { rows, trials, columns } = data;
const count = rows.rank.length;
const better = data.objective.direction === "max" ? 1 : -1;
for (const column of columns) column.values = Float64Array.from(column.values, (value) => (value === null ? NaN : value));
const byName = new Map(columns.map((column) => [column.name, column]));
for (const column of columns) { // a key is labelled by its last part if no other key ends so
  const end = column.name.split(".").pop();
  column.label = columns.filter((one) => one.name.split(".").pop() === end).length > 1 ? column.name : end;
}
const byRole = (role) => columns.find((column) => column.role === role);
const keys = columns.filter((column) => column.key);
const score = byRole("score");

const firstTrial = new Int32Array(count + 1).fill(trials.row.length); // the trials of row n: firstTrial[n] to firstTrial[n + 1] - 1
for (let trial = trials.row.length - 1; trial >= 0; trial -= 1) firstTrial[trials.row[trial]] = trial;
const nameOfTrial = (trial) => `${trials.sweep[trial]}.${trials.number[trial]}`;
const scored = []; // rows with a score
for (let row = 0; row < count; row += 1) if (!Number.isNaN(score.values[row])) scored.push(row);

// Formats a value: four decimals for scores near 1, fewer for others.
function textOf(column, value) {
  if (Number.isNaN(value) || value === undefined) return "";
  if (column.words) return column.words[value];
  if (column.role === "score") return !value || (Math.abs(value) >= 1e-3 && Math.abs(value) < 100) ? value.toFixed(4) : value.toPrecision(5);
  if (column.role === "seconds") return value < 10 ? value.toFixed(1) : value.toFixed(0);
  return `${Number(value.toPrecision(5))}`;
}

function nameOf(row) {
  const parts = keys.map((column) => [column, column.values[row]]).filter(([, value]) => !Number.isNaN(value));
  return parts.map(([column, value]) => `${column.label}=${textOf(column, value)}`).join(" ") || `trial ${trials.number[firstTrial[row]] + 1}`;
}

const commandOf = (row) => `${data.prefix}python -m src.sweep ${rows.words[row]}`;

// ranges: name of a column → [low, high], for words the places in their list; words: the typed filter; picked: the clicked rows;
// mask: 1 for selected rows; passed: 1 for rows that ranges and filter let pass.
const selection = { ranges: new Map(), words: "", picked: new Set(), mask: new Uint8Array(count).fill(1), passed: new Uint8Array(count).fill(1), number: count, active: false, mistake: "" };
const view = { colour: "", metric: "", lines: "each", sort: "", x: "", y: "", best: "all" }; // the reader's choices
const listeners = [];
let waiting = false;

// Redraws every visible panel in the next frame.
function changed() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    listeners.forEach((listener) => listener());
  });
}

function select(change) {
  Object.assign(selection, change);
  const tests = [...tested(selection.words)];
  for (const [name, [low, high]] of selection.ranges) {
    const { values } = byName.get(name);
    tests.push((row) => values[row] >= low && values[row] <= high);
  }
  selection.active = tests.length > 0 || selection.picked.size > 0;
  selection.number = 0;
  for (let row = 0; row < count; row += 1) {
    selection.passed[row] = tests.every((test) => test(row)) ? 1 : 0;
    selection.mask[row] = selection.picked.size ? selection.passed[row] & selection.picked.has(row) : selection.passed[row];
    selection.number += selection.mask[row];
  }
  remember();
  changed();
}

const clear = () => select({ ranges: new Map(), words: "", picked: new Set() });

function range(pairs) {
  const ranges = new Map(selection.ranges);
  for (const [column, ends] of pairs) ends ? ranges.set(column.name, ends) : ranges.delete(column.name);
  select({ ranges });
}

// Selects a clicked row alone; with `more`, adds it to the selection or removes it.
function pick(row, more) {
  const alone = selection.picked.size === 1 && selection.picked.has(row);
  const picked = more ? new Set(selection.picked) : new Set();
  if (more && picked.has(row)) picked.delete(row);
  else if (!alone) picked.add(row);
  select({ picked });
}

// Parses a filter such as `units>=64 optimizer=adam failed` into one test per word.
const WORD = /^([\w.+]+)(<=|>=|!=|<|>|=)(.+)$/;
function tested(words) {
  selection.mistake = "";
  const ended = (one, other) => one === other || one.endsWith(`.${other}`);
  return words.split(/\s+/).filter(Boolean).map((word) => {
    const [, name, sign, wanted] = WORD.exec(word) ?? [];
    if (!name) return (row) => textOfRow(row).includes(word.toLowerCase());
    const column = columns.find((one) => one.name === name) ?? columns.find((one) => ended(one.name, name));
    if (!column) {
      selection.mistake = `no column ${name}; there are ${columns.map((one) => one.name).join(", ")}`;
      return () => false;
    }
    return (row) => holds(column, column.values[row], sign, wanted);
  });
}

function holds(column, value, sign, wanted) {
  if (Number.isNaN(value)) return sign === "!=";
  const [one, other] = column.words ? [column.words[value], wanted] : [value, Number(wanted)];
  return { "<": one < other, ">": one > other, "<=": one <= other, ">=": one >= other, "=": one === other, "!=": one !== other }[sign];
}

const texts = []; // searchable texts of rows, in lower case
function textOfRow(row) {
  if (texts[row] === undefined) {
    const causes = new Set();
    for (let trial = firstTrial[row]; trial < firstTrial[row + 1]; trial += 1) causes.add(trials.causes[trials.cause[trial]]);
    texts[row] = `${nameOf(row)} ${rows.words[row]} ${rows.state[row]} ${rows.marks[row]} ${[...causes].join(" ")}`.toLowerCase();
  }
  return texts[row];
}

// Stores selection and view in the address. Rows are named by a trial and words are spelled out, because places change while a sweep runs.
function remember() {
  const kept = new URLSearchParams();
  for (const [name, [low, high]] of selection.ranges) {
    const { words } = byName.get(name);
    kept.append("r", words ? `${name}~${words.filter((_, place) => place >= low && place <= high).join("|")}` : `${name}:${low}..${high}`);
  }
  if (selection.words) kept.set("q", selection.words);
  if (selection.picked.size) kept.set("p", [...selection.picked].map((row) => nameOfTrial(firstTrial[row])).join(" "));
  for (const [name, value] of Object.entries(view)) if (value && value !== initial[name]) kept.set(name, value);
  try {
    history.replaceState(null, "", `#${kept}`);
  } catch {
    // MLflow shows the page in a frame without its own address
  }
}

let initial = { ...view };
function recall() {
  const kept = new URLSearchParams(location.hash.slice(1));
  const ranges = new Map();
  for (const text of kept.getAll("r")) {
    const [, name, sign, rest] = /^(.*?)([:~])(.*)$/s.exec(text) ?? [];
    const column = byName.get(name);
    if (!column) continue;
    const places = sign === "~" && column.words ? rest.split("|").map((word) => column.words.indexOf(word)).filter((place) => place >= 0) : [];
    const ends = sign === "~" ? [Math.min(...places) - 0.4, Math.max(...places) + 0.4] : rest.split("..").map(Number);
    if (ends.every(Number.isFinite)) ranges.set(name, ends);
  }
  const named = new Set((kept.get("p") ?? "").split(" ").filter(Boolean));
  const picked = new Set(trials.row.filter((_, trial) => named.has(nameOfTrial(trial))));
  const there = (name, value) => !["colour", "x", "y"].includes(name) || byName.has(value);
  for (const name of Object.keys(view)) view[name] = kept.has(name) && there(name, kept.get(name)) ? kept.get(name) : initial[name];
  select({ ranges, words: kept.get("q") ?? "", picked });
}

function see(change) {
  Object.assign(view, change);
  remember();
  changed();
}
