"use strict";
// Paints on a canvas over a picture, by mouse, finger or keys, and puts what is painted into a
// hidden field, as a picture that is transparent elsewhere. The markup is made by `brush.py`.

const brush = {
  parts: (element) => {
    const frame = element.closest(".brush");
    const canvas = frame.querySelector("canvas");
    const share = frame.querySelector("input").value / 100;
    return { frame, canvas, width: Math.max(1, share * Math.max(canvas.width, canvas.height)) };
  },

  place: (canvas, event) => {
    const box = canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * canvas.width;
    return [x, ((event.clientY - box.top) / box.height) * canvas.height];
  },

  line: (element, from, to) => {
    const { canvas, width } = brush.parts(element);
    const context = canvas.getContext("2d");
    Object.assign(context, { lineWidth: width, strokeStyle: "#fff", fillStyle: "#fff" });
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
    // The round end; a line's own cap is not drawn everywhere if both its points are equal.
    context.beginPath();
    context.arc(...to, width / 2, 0, 2 * Math.PI);
    context.fill();
  },

  start: (canvas, event) => {
    canvas.setPointerCapture(event.pointerId);
    canvas.last = brush.place(canvas, event);
    brush.line(canvas, canvas.last, canvas.last);
  },

  move: (canvas, event) => {
    if (!canvas.last) return;
    const here = brush.place(canvas, event);
    brush.line(canvas, canvas.last, here);
    canvas.last = here;
  },

  end: (canvas) => {
    if (!canvas.last) return;
    canvas.last = null;
    brush.send(canvas, canvas.toDataURL("image/png"));
  },

  // Arrows move a cross, the space bar paints there.
  key: (canvas, event) => {
    const { frame, width } = brush.parts(canvas);
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const at = canvas.at || [canvas.width / 2, canvas.height / 2];
    const move = moves[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    const limits = [canvas.width, canvas.height];
    const next = at.map((value, axis) =>
      Math.min(limits[axis], Math.max(0, value + ((move || [0, 0])[axis] * width) / 2)));
    if (!move) {
      brush.line(canvas, at, at);
      brush.send(canvas, canvas.toDataURL("image/png"));
    }
    canvas.at = next;
    frame.style.setProperty("--x", `${(100 * next[0]) / canvas.width}%`);
    frame.style.setProperty("--y", `${(100 * next[1]) / canvas.height}%`);
  },

  clear: (button) => {
    const { canvas } = brush.parts(button);
    canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    brush.send(canvas, "");
  },

  send: (canvas, value) => {
    const field = document.querySelector(`#${canvas.dataset.field} :is(textarea, input)`);
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  },
};
