// Two images of one record in the same place, with a divider that is dragged or moved by keys.
//
// The slider itself is a range input, which brings role, values and keys with it. It lies under the
// images unseen; pointers are handled by the frame, because a touch must be able to scroll the page.

function against(record, wanted) {
  const options = ["observation", "truth", "deviation"].filter((kind) => record.images[kind]);
  return options.includes(wanted) ? wanted : options[0];
}

function compare(record, kind, { small = false } = {}) {
  const source = record.images.result;
  const shape = source && source.w ? source : { w: 1, h: 1 };
  const frame = el("div", { class: "compare" });
  frame.style.aspectRatio = small ? "1" : `${shape.w} / ${shape.h}`;
  if (!kind || !source) {
    frame.append(picture(record, "result", { small, className: "layer" }));
    return frame;
  }
  const left = KINDS[kind].toLowerCase();
  const input = el("input", {
    type: "range", min: 0, max: 100, step: 2, value: 50,
    "aria-label": `${KINDS[kind]} and result of ${record.name}`,
  });
  const moveTo = (percent) => {
    const at = Math.min(100, Math.max(0, percent));
    input.value = String(at);
    show(at);
  };
  const show = (at) => {
    frame.style.setProperty("--at", `${at}%`);
    input.setAttribute("aria-valuetext", `${Math.round(at)} % ${left}`);
  };
  input.addEventListener("input", () => show(Number(input.value)));
  frame.classList.add("two");
  frame.append(
    picture(record, kind, { small, className: "layer" }),
    picture(record, "result", { small, className: "layer over" }),
    el("span", { class: "tag left" }, KINDS[kind]),
    el("span", { class: "tag right" }, "Result"),
    input,
    el("span", { class: "divider", "aria-hidden": "true" }));
  dragging(frame, input, moveTo);
  show(50);
  return frame;
}

function dragging(frame, input, moveTo) {
  let pointer = null;
  let touched = false;
  const follow = (event) => {
    const box = frame.getBoundingClientRect();
    moveTo(((event.clientX - box.left) / box.width) * 100);
  };
  frame.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pointer = event.pointerId;
    touched = event.pointerType === "touch";
    // A finger may be about to scroll: the divider waits for a sideways move or the end of a tap.
    if (!touched) {
      frame.setPointerCapture(pointer);
      follow(event);
      input.focus({ preventScroll: true });
      event.preventDefault();
    }
  });
  frame.addEventListener("pointermove", (event) => {
    if (event.pointerId === pointer) follow(event);
  });
  frame.addEventListener("pointerup", (event) => {
    if (event.pointerId === pointer && touched) follow(event);
    pointer = null;
  });
  frame.addEventListener("pointercancel", () => { pointer = null; });
}
