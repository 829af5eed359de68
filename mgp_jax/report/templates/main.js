// Puts the page together from the data of its runs.

const FEW = 3;

function disclosure(label, fill, open = false) {
  const body = el("div", { class: "inside" });
  const element = el("details", {}, el("summary", {}, label), body);
  // Filled when it is first opened.
  element.addEventListener("toggle", () => {
    if (element.open && !body.childElementCount) body.append(...fill());
  });
  element.open = open;
  return element;
}

function pairs(caption, rows) {
  return el("table", { class: "settings" }, el("caption", {}, caption),
    el("tbody", {}, ...rows.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)))));
}

function rerun(command) {
  const code = el("code", { tabindex: "0" }, command);
  const said = el("span", { class: "quiet", "aria-live": "polite" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(command);
      said.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      said.textContent = "Selected; copy it with the keyboard";
    }
  };
  return el("div", { class: "rerun" }, el("h3", {}, "How to run this again"), el("pre", {}, code),
    el("p", {}, el("button", { type: "button", onclick: copy }, "Copy"), " ", said),
    el("p", { class: "quiet" }, "On the same output folder this finishes what is missing; give another folder to start anew."));
}

function settings(run) {
  const content = [];
  if (run.command) content.push(rerun(run.command));
  const tables = [];
  if (run.settings.length) tables.push(pairs("Settings", run.settings));
  if (run.versions.length) tables.push(pairs("Versions", run.versions));
  if (tables.length) content.push(el("div", { class: "tables" }, ...tables));
  if (!content.length) content.push(el("p", { class: "quiet" }, "The run's settings were not recorded."));
  return content;
}

function median(sorted) {
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// Median, mean and spread of the quality metrics over the run.
function statistics(run) {
  const cards = [];
  for (const metric of run.metrics.filter((m) => m.better)) {
    const values = run.records.map((r) => r.values[metric.key]).filter((v) => v !== undefined).sort((a, b) => a - b);
    if (values.length < 2) continue;
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    const [low, high] = [values[0], values[values.length - 1]].map((v) => measure(v, { ...metric, unit: "" }));
    cards.push(el("div", { class: "card" },
      el("dt", {}, metric.label, el("span", { class: "quiet" }, metric.better === "high" ? " higher is better" : " lower is better")),
      el("dd", {}, el("span", { class: "big" }, measure(median(values), metric)), el("span", { class: "quiet" }, "median"),
        histogram(values, `Distribution of ${metric.label} from ${low} to ${high}`),
        el("span", { class: "quiet" }, `mean ${measure(mean, metric)}, from ${low} to ${high}`))));
  }
  return cards.length ? el("dl", { class: "cards" }, ...cards) : null;
}

function overview(run, start) {
  const { records } = run;
  const parts = [...start, count(records.length, "image")];
  for (const status of new Set(records.map((r) => r.status))) {
    parts.push(`${countFormat.format(records.filter((r) => r.status === status).length)} ${status}`);
  }
  const seconds = records.reduce((sum, r) => sum + (r.values.seconds || 0), 0);
  if (seconds > 0) parts.push(duration(seconds));
  return el("p", { class: "overview" }, parts.join(" · "));
}

// Everything that is not ok, with the reason; the same reason is told once.
function failures(run, gallery) {
  const bad = run.records.filter((r) => r.status !== "ok");
  if (!bad.length) return null;
  const fill = () => {
    const most = 100;
    const list = el("ul", { class: "failures" }, ...bad.slice(0, most).map((record) =>
      el("li", {}, badge(record.status), " ", el("span", { class: "path" }, record.input),
        el("p", {}, record.error || (record.status === "diverged" ? "The optimisation diverged." : "No reason was recorded.")))));
    const rest = bad.length > most ? el("p", { class: "quiet" }, `and ${count(bad.length - most, "more", "more")}`) : null;
    const buttons = gallery && gallery.statusSelect ? ["failed", "diverged"].filter((s) => bad.some((r) => r.status === s)).map((status) =>
      el("button", { type: "button", onclick: () => {
        gallery.statusSelect.value = status;
        gallery.set({ status });
        gallery.element.scrollIntoView();
      } }, `Show only ${status}`)) : [];
    return [list, rest, el("p", { class: "buttons" }, ...buttons)].filter(Boolean);
  };
  const counts = [...new Set(bad.map((r) => r.status))].map((s) => `${countFormat.format(bad.filter((r) => r.status === s).length)} ${s}`);
  return disclosure(`Problems: ${counts.join(", ")}`, fill, bad.length <= 5);
}

function section(run, single) {
  const { records } = run;
  const heading = newId("run");
  const level = single ? "h2" : "h3";
  const element = el("section", { "aria-labelledby": heading, id: single ? null : newId("section") });
  element.append(el("h2", { id: heading, class: single ? "unseen" : null }, single ? "Results" : run.title));
  element.append(el("div", { class: "lead" }, overview(run, single ? [] : [run.summary])));
  for (const notice of run.notices) element.append(el("p", { class: "notice", role: "note" }, notice));
  if (!records.length) {
    element.append(el("p", { class: "empty" }, "This run has no results."),
      disclosure("Settings, versions and how to run this again", () => settings(run), true));
    return element;
  }
  const few = records.length <= FEW;
  const gallery = few ? null : new Gallery(run);
  const numbers = few ? null : statistics(run);
  if (numbers) element.append(numbers);
  const bad = failures(run, gallery);
  if (bad) element.append(bad);
  const curves = records.filter((r) => r.curve);
  if (!few && curves.length > 1) {
    const label = curves.length > MOST_CURVES ? `Curves of ${MOST_CURVES} of ${count(curves.length, "image")}` : "Curves of all images";
    element.append(disclosure(label, () => [charts(curves)]));
  }
  const about = disclosure("Settings, versions and how to run this again", () => settings(run));
  if (gallery) {
    element.append(about, gallery.element);
  } else {
    for (const record of records) {
      element.append(el("article", { class: "single" }, records.length > 1 ? el(level, {}, record.name) : null, detail(record, run, "observation")));
    }
    element.append(about);
  }
  return element;
}

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const main = document.getElementById("results");
  const single = data.runs.length === 1;
  const sections = data.runs.map((run) => section(run, single));
  if (!single && sections.length) {
    const links = data.runs.map((run, i) => el("li", {}, el("a", { href: `#${sections[i].id}` }, run.title)));
    document.querySelector("header.page").append(el("nav", { "aria-label": "Sections" }, el("ul", {}, ...links)));
  }
  main.append(...sections);
  document.getElementById("footer").append(el("p", {}, !data.images ? "" : data.embedded
    ? "All images are inside this file: it can be moved or sent alone."
    : "The images are read from the folders beside this file: move or send the folder as a whole."));
}

start();
