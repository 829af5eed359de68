// The results of one run: which records are shown, in what order, as tiles or as a table.

const AT_ONCE = 60;

class Gallery {
  constructor(run) {
    this.run = run;
    this.state = { query: "", status: "", sort: "index", down: false, metric: "", low: "", high: "", view: "tiles", against: "observation" };
    this.metrics = run.metrics.filter((metric) => run.records.some((r) => r.values[metric.key] !== undefined));
    this.host = el("div", { class: "host" });
    this.note = el("p", { class: "quiet note", "aria-live": "polite" });
    this.moreButton = el("button", { type: "button", class: "more", onclick: () => this.more() }, "Show more");
    this.watcher = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) this.more();
    }, { rootMargin: "800px" });
    this.watcher.observe(this.moreButton);
    this.element = el("div", { class: "gallery" }, this.toolbar(), this.note, this.host, this.moreButton);
    this.update();
  }

  set(changes) {
    Object.assign(this.state, changes);
    this.update();
  }

  // Controls

  toolbar() {
    const field = (label, control, half) => {
      control.id = newId("field");
      return el("div", { class: half ? "field half" : "field" }, el("label", { for: control.id }, label), control);
    };
    const select = (options, onchange) => {
      const control = el("select", {}, ...options.map(([value, text]) => el("option", { value }, text)));
      control.addEventListener("change", () => onchange(control.value));
      return control;
    };
    const bar = el("div", { class: "toolbar", role: "group", "aria-label": "Sort and filter" });
    const search = el("input", { type: "search", placeholder: "file name", autocomplete: "off", spellcheck: "false" });
    search.addEventListener("input", () => this.set({ query: search.value }));
    bar.append(field("Find", search));

    const kinds = [...new Set(this.run.records.map((r) => r.status))];
    if (kinds.length > 1) {
      const options = kinds.map((kind) => [kind, `${kind} (${this.run.records.filter((r) => r.status === kind).length})`]);
      this.statusSelect = select([["", `all (${this.run.records.length})`], ...options], (status) => this.set({ status }));
      bar.append(field("Status", this.statusSelect, true));
    }
    this.sortSelect = select(this.sortOptions(), (value) => {
      const [sort, direction] = value.split("|");
      this.set({ sort, down: direction === "down" });
    });
    bar.append(field("Sort", this.sortSelect, true));
    if (this.metrics.length) bar.append(this.range(select));
    const present = ["observation", "truth", "deviation"].filter((kind) => this.run.records.some((r) => r.images[kind]));
    if (present.length > 1) {
      bar.append(choice("Compare with", present.map((kind) => [kind, KINDS[kind]]), present[0], (kind) => this.set({ against: kind })));
    }
    bar.append(choice("View", [["tiles", "Tiles"], ["small", "Small"], ["table", "Table"]], "tiles", (view) => this.set({ view })));
    return bar;
  }

  range(select) {
    const metric = select([["", "any value"], ...this.metrics.map((m) => [m.key, m.label])], (key) => {
      for (const input of limits) input.disabled = !key;
      this.set({ metric: key });
    });
    metric.setAttribute("aria-label", "Metric to filter by");
    const limits = [["low", "from"], ["high", "to"]].map(([end, text]) => {
      const input = el("input", { type: "number", step: "any", placeholder: text, "aria-label": `Filter ${text}`, disabled: true });
      input.addEventListener("input", () => this.set({ [end]: input.value }));
      return input;
    });
    return el("fieldset", { class: "range" }, el("legend", {}, "Filter by"), metric, ...limits);
  }

  sortOptions() {
    const rows = [["index|up", "input order"], ["name|up", "name"]];
    for (const { key, label, better } of this.metrics) {
      const up = [`${key}|up`, `${label}, lowest first`], down = [`${key}|down`, `${label}, highest first`];
      rows.push(...(better === "low" ? [up, down] : [down, up]));
    }
    return rows;
  }

  // Which records

  chosen() {
    const { query, status, sort, down, metric, low, high } = this.state;
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const from = low === "" ? -Infinity : Number(low), to = high === "" ? Infinity : Number(high);
    const kept = this.run.records.filter((record) => {
      if (status && record.status !== status) return false;
      const path = record.input.toLowerCase();
      if (!words.every((word) => path.includes(word))) return false;
      if (!metric || (low === "" && high === "")) return true;
      const value = record.values[metric];
      return value !== undefined && value >= from && value <= to;
    });
    if (sort === "index") return kept;
    const sign = down ? -1 : 1;
    if (sort === "name") {
      const order = new Intl.Collator("en", { numeric: true });
      return kept.sort((a, b) => sign * order.compare(a.name, b.name));
    }
    // Records without the value come last in either direction.
    return kept.sort((a, b) => {
      const x = a.values[sort], y = b.values[sort];
      if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
      return sign * (x - y);
    });
  }

  // What is drawn

  update() {
    this.list = this.chosen();
    this.shown = 0;
    this.sortSelect.value = `${this.state.sort}|${this.state.down ? "down" : "up"}`;
    const { length } = this.run.records;
    this.note.textContent = this.list.length === length
      ? count(length, "image")
      : `${countFormat.format(this.list.length)} of ${count(length, "image")}`;
    this.host.replaceChildren();
    if (!this.list.length) this.host.append(el("p", { class: "empty" }, "No image fits the filter."));
    else if (this.state.view === "table") this.host.append(this.table());
    else this.host.append((this.place = el("ul", { class: `tiles ${this.state.view}` })));
    this.more();
  }

  more() {
    const next = this.list.slice(this.shown, this.shown + AT_ONCE);
    const draw = this.state.view === "table" ? (r, i) => this.row(r, i) : (r, i) => this.tile(r, i);
    if (next.length) this.place.append(...next.map((record, i) => draw(record, this.shown + i)));
    this.shown += next.length;
    this.moreButton.hidden = this.shown >= this.list.length;
    this.moreButton.textContent = `Show more (${countFormat.format(this.list.length - this.shown)} left)`;
    // Observed anew, or a button that stays in view would never report again.
    this.watcher.unobserve(this.moreButton);
    if (!this.moreButton.hidden) this.watcher.observe(this.moreButton);
  }

  opener(record, index, ...content) {
    return el("button", {
      type: "button", class: "open", title: record.input,
      onclick: () => viewer.open(this.list, index, this.run, this.state.against),
    }, ...(content.length ? content : [record.name]));
  }

  // The numbers worth a place on a tile: quality first, and the one sorted by.
  headline() {
    const quality = this.metrics.filter((m) => m.better).slice(0, 3);
    const sorted = this.metrics.find((m) => m.key === this.state.sort);
    if (sorted && !quality.includes(sorted)) quality.push(sorted);
    return quality.length ? quality : this.metrics.filter((m) => m.key === "seconds");
  }

  tile(record, index) {
    const plain = this.state.view === "small";
    const values = this.headline().filter((m) => record.values[m.key] !== undefined);
    const ok = record.status === "ok";
    const image = plain
      ? this.opener(record, index, picture(record, "result", { small: true }))
      : compare(record, against(record, this.state.against), { small: true });
    if (plain) image.setAttribute("aria-label", `${record.name}${ok ? "" : `, ${record.status}`}`);
    const text = plain
      ? [el("span", { class: "numbers" }, values.length && ok ? measure(record.values[values[0].key], values[0]) : "", ok ? null : badge(record.status))]
      : [el("div", { class: "name" }, this.opener(record, index), ok ? null : badge(record.status)),
        record.error && record.images.result ? el("p", { class: "reason" }, record.error) : null,
        values.length ? el("dl", { class: "numbers" }, ...values.map((m) =>
          el("div", {}, el("dt", {}, m.label), el("dd", {}, measure(record.values[m.key], m))))) : null];
    return el("li", { class: "tile" }, image, ...text);
  }

  table() {
    const columns = [["index", "#", false], ["name", "Image", false], ...this.metrics.map((m) => [m.key, m.unit && m.key !== "seconds" ? `${m.label} (${m.unit})` : m.label, m.better === "high"]),
      ["status", "Status", null]];
    const heads = columns.map(([key, label, firstDown]) => {
      if (firstDown === null) return el("th", { scope: "col" }, label);
      const active = this.state.sort === key;
      const order = active ? (this.state.down ? "descending" : "ascending") : "none";
      const sort = () => {
        this.set({ sort: key, down: active ? !this.state.down : firstDown });
        this.host.querySelector(`th[data-key="${CSS.escape(key)}"] button`)?.focus();
      };
      return el("th", { scope: "col", class: ["name", "index"].includes(key) ? key : "number", "aria-sort": order, "data-key": key },
        el("button", { type: "button", onclick: sort }, label, el("span", { class: "arrow", "aria-hidden": "true" },
          active ? (this.state.down ? "↓" : "↑") : "")));
    });
    this.place = el("tbody");
    return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table of results" },
      el("table", { class: "results" }, el("thead", {}, el("tr", {}, ...heads)), this.place));
  }

  row(record, index) {
    this.numbers ??= new Map(this.run.records.map((r, i) => [r, i + 1]));
    return el("tr", {},
      el("td", { class: "number index" }, String(this.numbers.get(record))),
      el("th", { scope: "row" }, el("div", { class: "entry" },
        el("div", { class: "thumb" }, record.images.result ? picture(record, "result", { small: true }) : null), this.opener(record, index))),
      ...this.metrics.map((m) => el("td", { class: "number" }, measure(record.values[m.key], { ...m, unit: "" }))),
      el("td", {}, badge(record.status), record.error ? el("p", { class: "reason" }, record.error) : null));
  }
}
