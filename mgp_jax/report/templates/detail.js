// One record in full: comparison, all images, numbers, curves; and the dialog that shows it.

const EXPLANATIONS = {
  found: "Green is restored, with the square that was cut out; yellow is left as it is.",
  deviation: "Black is certain; the brighter, the more the samples differ.",
  mask: "White is missing.",
  trajectory: "The rendering on its way.",
};

function facts(record, run) {
  const list = el("dl", { class: "facts" });
  const add = (term, value, wide) =>
    list.append(el("div", { class: wide ? "wide" : null }, el("dt", {}, term), el("dd", {}, value)));
  add("Status", badge(record.status));
  if (record.error) add("Reason", record.error, true);
  for (const note of record.notes || []) add("Note", note, true);
  for (const metric of run.metrics) {
    if (record.values[metric.key] !== undefined) add(metric.label, measure(record.values[metric.key], metric));
  }
  if (record.curve && record.curve.samples) add("Curves", `mean of ${record.curve.samples} samples`);
  add("Input", el("span", { class: "path" }, record.input), true);
  return list;
}

function strip(record) {
  const kinds = ["observation", "found", "mask", "result", "truth", "deviation", "trajectory"].filter((kind) => record.images[kind]);
  if (kinds.length < 2) return null;
  return el("div", { class: "strip" }, ...kinds.map((kind) =>
    // A thumbnail would not move.
    el("figure", {}, picture(record, kind, { small: kind !== "trajectory" }),
      el("figcaption", {}, KINDS[kind],
        EXPLANATIONS[kind] ? el("span", { class: "quiet" }, EXPLANATIONS[kind]) : null))));
}

// A row of radio buttons that look like one switch.
function choice(legend, options, chosen, onchange) {
  const name = newId("choice");
  return el("fieldset", { class: "choice" }, el("legend", {}, legend),
    ...options.map(([value, label]) => {
      const input = el("input", { type: "radio", name, value, checked: value === chosen });
      input.addEventListener("change", () => onchange(value));
      return el("label", {}, input, el("span", {}, label));
    }));
}

function detail(record, run, wanted) {
  const options = ["observation", "truth", "deviation"].filter((kind) => record.images[kind]);
  const stage = el("div", { class: "stage" }, compare(record, against(record, wanted)));
  const left = el("div", { class: "left" }, stage);
  if (options.length > 1 && record.images.result) {
    left.append(choice("Compare the result with", options.map((kind) => [kind, KINDS[kind]]),
      against(record, wanted), (kind) => stage.replaceChildren(compare(record, kind))));
  }
  return el("div", { class: "detail" }, left,
    el("div", { class: "right" }, facts(record, run), record.curve || record.calibration ? charts([record]) : null, strip(record)));
}

// One dialog for the whole page; the browser keeps the focus in it and closes it on Escape.
const viewer = {
  open(records, index, run, wanted) {
    this.build();
    Object.assign(this, { records, index, run, wanted });
    this.show();
    this.dialog.showModal();
  },

  build() {
    if (this.dialog) return;
    this.heading = el("h2", { id: "viewer-title" });
    this.place = el("span", { class: "quiet", "aria-live": "polite" });
    const button = (text, label, onclick) =>
      el("button", { type: "button", class: "plain", "aria-label": label, title: label, onclick }, text);
    this.back = button("←", "Previous image", () => this.move(-1));
    this.on = button("→", "Next image", () => this.move(1));
    this.body = el("div", { class: "body" });
    this.dialog = el("dialog", { class: "viewer", "aria-labelledby": "viewer-title" },
      el("div", { class: "bar" }, this.heading, this.place, this.back, this.on,
        button("✕", "Close", () => this.dialog.close())),
      this.body);
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    this.dialog.addEventListener("close", () => this.body.replaceChildren());
    this.dialog.addEventListener("keydown", (event) => {
      if (event.target.tagName === "INPUT" || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === "ArrowLeft") this.move(-1);
      if (event.key === "ArrowRight") this.move(1);
    });
    document.body.append(this.dialog);
  },

  move(by) {
    const next = this.index + by;
    if (next < 0 || next >= this.records.length) return;
    this.index = next;
    this.show();
  },

  show() {
    const record = this.records[this.index];
    this.heading.textContent = record.name;
    this.place.textContent = `${this.index + 1} of ${countFormat.format(this.records.length)}`;
    // Not `disabled`: the focus would be lost at either end.
    this.back.setAttribute("aria-disabled", String(this.index === 0));
    this.on.setAttribute("aria-disabled", String(this.index === this.records.length - 1));
    this.body.replaceChildren(detail(record, this.run, this.wanted));
    this.body.scrollTop = 0;
  },
};
