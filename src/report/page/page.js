// Adds the panels to the page.

function choice(id, name, options, title = (value) => value) {
  const made = by(id);
  made.append(...options.map((value) => element("option", { value }, title(value))));
  made.addEventListener("change", () => see({ [name]: made.value }));
  listeners.push(() => { made.value = view[name]; });
}

function start() {
  const named = (some) => some.map((column) => column.name);
  const label = (name) => byName.get(name).label;
  const varied = keys.filter((column) => new Set(column.values.filter((value) => !Number.isNaN(value))).size > 1);
  const important = data.importance.map((one) => byName.get(one.key)).filter((column) => column && !column.words);
  const [x, y] = [...new Set([...important, ...varied.filter((column) => !column.words), ...varied])];
  Object.assign(view, { colour: score.name, metric: plain.find((one) => data.objective.name.endsWith(one)) ?? plain[0] ?? "", x: x?.name ?? "", y: y?.name ?? "" });
  initial = { ...view };
  sentences();
  leaderboard(by("leaderboard"));
  if (scored.length) best(by("best"), by("best-said"));
  choice("colour", "colour", named([score, ...columns.filter((column) => column !== score)]), label);
  choice("metric", "metric", plain);
  choice("x", "x", named(varied), label);
  choice("y", "y", named(varied), label);
  choice("lines", "lines", ["each", "groups"], (value) => (value === "each" ? "each configuration" : "the median of each colour"));
  choice("by", "best", ["all", "colour"], (value) => (value === "all" ? "all trials" : "each colour"));
  const costs = columns.filter((column) => ["second", "seconds", "epochs"].includes(column.role) && new Set(scored.map((row) => column.values[row])).size > 1);
  const sections = { "so-far": scored.length, curves: plain.length && unpacked.length, parallel: keys.length && scored.length > 1, slices: varied.length && scored.length > 1, contour: y && scored.length > 4, cost: costs.length };
  for (const [id, wanted] of Object.entries(sections)) by(id).hidden = !wanted;
  if (sections.curves) learning(by("curves-panel"), by("curves-said"));
  if (sections.parallel) parallel(by("parallel-panel"));
  if (sections.slices) for (const column of varied) scatter(tile("slices-panel"), 230, () => [column, score]);
  if (sections.contour) scatter(by("contour-panel"), 420, () => [byName.get(view.x), byName.get(view.y)], contour);
  if (sections.cost) for (const column of costs) scatter(tile("cost-panel"), 280, () => [column, score]);
  importance();
  failures();
  pictures();
  listeners.push(bar, legend, () => panels.filter((one) => one.visible).forEach((one) => one.draw()));
  recall();
  by("filter").value = selection.words;
}

function tile(id) {
  const made = element("div");
  by(id).append(made);
  return made;
}

by("filter").addEventListener("input", () => select({ words: by("filter").value }));
by("clear").addEventListener("click", () => { by("filter").value = ""; clear(); });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") by("clear").click();
  if (event.key === "/" && document.activeElement !== by("filter")) { event.preventDefault(); by("filter").focus(); }
});
addEventListener("hashchange", () => { recall(); by("filter").value = selection.words; });
for (const event of ["resize", "orientationchange"]) addEventListener(event, changed);
dark.addEventListener("change", () => { inks.clear(); panels.forEach((one) => { one.kept = null; }); changed(); });
start();
if (data.running) setInterval(() => { if (!dragging && document.activeElement !== by("filter")) location.reload(); }, 60_000);
requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("shown")));
