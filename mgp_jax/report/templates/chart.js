// Line diagrams as inline SVG.

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// What lies along the bottom: where it begins, where it ends at least, and how a place is told. With
// `diagonal` both axes are alike, from 0 on, and the line of equal values is drawn.
const STEPS = { label: "step", first: 1, least: 2, whole: true };
const DEVIATIONS = { label: "predicted deviation", first: 0, least: 0, diagonal: true };

const CHART = { width: 380, height: 200, left: 46, right: 10, top: 12, bottom: 40 };

// Steps at which the points of a curve lie; the page holds a thinned curve.
function stepsOf(curve) {
  const n = curve.loss.length;
  return curve.loss.map((_, i) => 1 + (n > 1 ? Math.floor((i * (curve.last - 1)) / (n - 1) + 0.5) : 0));
}

function linearTicks(low, high, wanted) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) ticks.push(i * step);
  return ticks;
}

function logTicks(low, high) {
  const decades = Math.log10(high / low);
  const factors = decades > 3 ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5];
  const every = decades > 6 ? 2 : 1;
  const ticks = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e += 1) {
    if (e % every) continue;
    for (const factor of factors) {
      const tick = factor * 10 ** e;
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  return ticks.length > 1 ? ticks : linearTicks(low, high, 4);
}

function tickText(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) return value.toExponential(0).replace("e+", "e");
  return String(Number(value.toPrecision(4)));
}

// label: title of the diagram; series: [{steps, values}]; logarithmic: scale of the values; across:
// what the steps are.
function chart({ label, unit, series, logarithmic, name, across = STEPS }) {
  const known = series
    .map(({ steps, values }) => values.map((v, i) => [steps[i], v]).filter(([, v]) => v !== null))
    .filter((points) => points.length);
  const caption = el("figcaption", {}, label);
  if (!known.length) return el("figure", { class: "chart" }, caption, el("p", { class: "quiet" }, "no values"));
  let low = Infinity, high = -Infinity, last = across.least;
  for (const points of known) {
    for (const [step, value] of points) {
      low = Math.min(low, value);
      high = Math.max(high, value);
      last = Math.max(last, step);
    }
  }
  if (across.diagonal) {
    low = 0;
    high = last = Math.max(high, last, 1e-6);
  }
  const log = logarithmic && low > 0;
  if (high - low < 1e-9 * Math.max(Math.abs(high), 1e-9)) {
    const room = Math.abs(high) * 0.1 || 1;
    low = log ? low / 1.1 : low - room;
    high += room;
  }
  const { width, height, left, right, top, bottom } = CHART;
  const scale = log ? Math.log : (v) => v;
  const x = (step) => left + ((step - across.first) / (last - across.first)) * (width - left - right);
  const y = (value) =>
    top + ((scale(high) - scale(value)) / (scale(high) - scale(low))) * (height - top - bottom);

  const grid = svg("g", { class: "grid" });
  const texts = svg("g", { class: "ticks" });
  for (const tick of log ? logTicks(low, high) : linearTicks(low, high, 4)) {
    grid.append(svg("line", { x1: left, x2: width - right, y1: y(tick), y2: y(tick) }));
    texts.append(svg("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, tickText(tick)));
  }
  const steps = linearTicks(across.first, last, 4).filter((tick) => !across.whole || Number.isInteger(tick));
  for (const tick of steps) {
    const anchor = x(tick) > width - 30 ? "end" : "middle";
    texts.append(svg("text", { x: x(tick), y: height - 22, "text-anchor": anchor }, tickText(tick)));
  }
  if (across.diagonal) grid.append(svg("line", { class: "diagonal", x1: x(0), y1: y(0), x2: x(last), y2: y(last) }));
  texts.append(svg("text", { x: (left + width - right) / 2, y: height - 5, "text-anchor": "middle", class: "axis" }, across.label));

  const lines = svg("g", { class: known.length > 1 ? "lines many" : "lines" });
  for (const points of known) {
    const path = points.map(([s, v], i) => `${i ? "L" : "M"}${x(s).toFixed(1)} ${y(v).toFixed(1)}`);
    if (points.length === 1) path.push("h0.1");
    lines.append(svg("path", { d: path.join("") }));
  }
  const first = known[0][0], final = known[0][known[0].length - 1];
  const format = (value) => `${Number(value.toPrecision(4))}${unit ? ` ${unit}` : ""}`;
  const summary = known.length > 1
    ? `${label} of ${known.length} images over ${tickText(last)} ${across.label}s, from ${format(low)} to ${format(high)}`
    : `${label} of ${name}: ${format(first[1])} at ${across.label} ${tickText(first[0])}, ${format(final[1])} at ${across.label} ${tickText(final[0])}`;
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": summary },
    grid, lines, texts);
  const value = el("span", { class: "value" }, known.length > 1 ? "" : format(final[1]));
  caption.append(value);
  if (known.length === 1) addReadout(drawing, known[0], { x, y, value, format, across, rest: format(final[1]) });
  return el("figure", { class: "chart" }, caption, drawing);
}

// Under the pointer the diagram says step and value.
function addReadout(drawing, points, { x, y, value, format, across, rest }) {
  const dot = svg("circle", { r: 4, class: "dot", visibility: "hidden" });
  drawing.append(dot);
  drawing.addEventListener("pointermove", (event) => {
    const box = drawing.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * CHART.width;
    let near = points[0];
    for (const point of points) if (Math.abs(x(point[0]) - at) < Math.abs(x(near[0]) - at)) near = point;
    dot.setAttribute("cx", x(near[0]));
    dot.setAttribute("cy", y(near[1]));
    dot.setAttribute("visibility", "visible");
    value.textContent = `${across.label} ${tickText(near[0])}: ${format(near[1])}`;
  });
  drawing.addEventListener("pointerleave", () => {
    dot.setAttribute("visibility", "hidden");
    value.textContent = rest;
  });
}

const LOSS = "Loss";
const FIT = "PSNR to the observation";
const ERROR = "Error";
const MOST_CURVES = 300;

// At most MOST_CURVES records, evenly taken.
function spread(records) {
  const n = Math.min(records.length, MOST_CURVES);
  return Array.from({ length: n }, (_, i) => records[Math.floor((i * records.length) / n)]);
}

// The diagrams of one record, or of many laid over each other.
function charts(records) {
  const known = spread(records.filter((record) => record.curve));
  const pick = (field) => known.map(({ curve }) => ({ steps: stepsOf(curve), values: curve[field] }));
  const name = known.length ? known[0].name : "";
  return el("div", { class: "charts" },
    chart({ label: LOSS, unit: "", series: pick("loss"), logarithmic: true, name }),
    chart({ label: FIT, unit: "dB", series: pick("psnr"), logarithmic: false, name }),
    calibrations(records));
}

// The error of several answers against what their spread predicts; null without any. Images are 0 to 1.
function calibrations(records) {
  const known = spread(records.filter((record) => record.calibration));
  if (!known.length) return null;
  const series = known.map(({ calibration }) => ({ steps: calibration.map(([d]) => d), values: calibration.map(([, e]) => e) }));
  return chart({ label: ERROR, unit: "", series, logarithmic: false, name: known[0].name, across: DEVIATIONS });
}

// How the values of a metric are spread, as a small row of bars.
function histogram(values, label) {
  const bins = Math.min(28, Math.ceil(2 * Math.sqrt(values.length)));
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (values.length < 8 || high <= low) return null;
  const counts = new Array(bins).fill(0);
  for (const value of values) counts[Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins))] += 1;
  const top = Math.max(...counts);
  return svg("svg", { viewBox: `0 0 ${bins * 5} 28`, class: "histogram", role: "img", preserveAspectRatio: "none", "aria-label": label },
    ...counts.map((n, i) => {
      const tall = n ? Math.max(1.5, (n / top) * 28) : 0;
      return svg("rect", { x: i * 5, width: 4, y: 28 - tall, height: tall });
    }));
}
