// Small helpers: elements, numbers as people read them, images that may be missing.
// Text from the run only ever goes through `el`, as text nodes and attributes, never as markup.

function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

let lastId = 0;
function newId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

const countFormat = new Intl.NumberFormat("en");
function count(number, one, many = `${one}s`) {
  return `${countFormat.format(number)} ${number === 1 ? one : many}`;
}

function duration(seconds) {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)}\u00a0s`;
  if (seconds < 600) return `${Math.floor(seconds / 60)}\u00a0min ${Math.floor(seconds % 60)}\u00a0s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes}\u00a0min`;
  return `${Math.floor(minutes / 60)}\u00a0h ${minutes % 60}\u00a0min`;
}

// The value of a metric with its unit, or a dash.
function measure(value, metric) {
  if (value === undefined) return "–";
  if (metric.key === "seconds") return duration(value);
  const large = Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-3);
  const number = metric.digits === 0 && Number.isInteger(value)
    ? countFormat.format(value)
    : large ? value.toExponential(2) : value.toFixed(metric.digits);
  return metric.unit ? `${number}\u00a0${metric.unit}` : number;
}

const KINDS = {
  result: "Result",
  observation: "Observation",
  found: "Faces found",
  mask: "Mask",
  truth: "Truth",
  deviation: "Uncertainty",
  trajectory: "Trajectory",
};

function placeholder(text, detail, className = "") {
  return el("div", { class: `missing ${className}`, role: "img", "aria-label": `${text}. ${detail}` },
    el("strong", {}, text), el("span", {}, detail));
}

// An image of a record; where it cannot be shown, a placeholder that says why.
function picture(record, kind, { small = false, className = "" } = {}) {
  const source = record.images[kind];
  if (!source) {
    const reason = record.error || (kind === "result" ? "The run wrote no image." : "");
    return placeholder(`No ${KINDS[kind].toLowerCase()}`, reason, className);
  }
  if (source.missing) {
    return placeholder(`${KINDS[kind]} not shown`, `${source.path}: ${source.missing}`, className);
  }
  const image = el("img", {
    class: `${className}${Math.max(source.w, source.h) <= 256 ? " pixelated" : ""}`,
    alt: `${KINDS[kind]} of ${record.name}`,
    width: source.w,
    height: source.h,
    loading: "lazy",
    decoding: "async",
    draggable: "false",
  });
  image.addEventListener("error", () => {
    if (small && source.thumb && image.getAttribute("src") === source.thumb) {
      image.src = source.src;
      return;
    }
    const broken = placeholder(
      `${KINDS[kind]} not shown`, `${source.path}: the image cannot be loaded`, className);
    image.replaceWith(broken);
  });
  image.src = (small && source.thumb) || source.src;
  return image;
}

const STATUS = { ok: "ok", diverged: "diverged", failed: "failed" };
function badge(status) {
  return el("span", { class: `badge ${STATUS[status] || "unknown"}` }, status);
}
