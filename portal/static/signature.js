// The signature page: drawing, which needs a script, and the live preview of a signature from a name, which is a comfort.
"use strict";
document.documentElement.classList.add("js");

const canvas = document.getElementById("drawing");
const pen = canvas.getContext("2d");
const field = document.getElementById("strokes");
const state = document.getElementById("draw-state");
const form = canvas.closest("form");
let strokes = [];
let current = null;

function show() {
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.lineWidth = 4;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = "#1d2b5e";
  for (const stroke of strokes) {
    pen.beginPath();
    stroke.forEach(([x, y], n) => (n ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    if (stroke.length === 1) pen.lineTo(stroke[0][0] + 0.1, stroke[0][1]);
    pen.stroke();
  }
}

function keep() {
  field.value = strokes.length ? JSON.stringify(strokes) : "";
  state.textContent = strokes.length ? state.dataset.count.replace("%", strokes.length) : state.dataset.empty;
  show();
}

function point(event) {
  const box = canvas.getBoundingClientRect();
  const scale = canvas.width / box.width;
  const round = (value) => Math.round(value * 10) / 10;
  return [round((event.clientX - box.left) * scale), round((event.clientY - box.top) * scale), event.pressure || 0.5, Math.round(event.timeStamp)];
}

canvas.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  event.preventDefault();
  canvas.setPointerCapture(event.pointerId);
  current = [point(event)];
  strokes.push(current);
  show();
});
canvas.addEventListener("pointermove", (event) => {
  if (!current) return;
  for (const each of event.getCoalescedEvents?.() ?? [event]) current.push(point(each));
  show();
});
for (const end of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(end, () => {
    if (current) keep();
    current = null;
  });
}
document.getElementById("undo").addEventListener("click", () => { strokes.pop(); keep(); });
document.getElementById("clear").addEventListener("click", () => { strokes = []; keep(); });
try {
  strokes = JSON.parse(field.value || "[]");
} catch {
  strokes = [];
}
keep();

const picture = document.getElementById("preview");
let waiting = 0;
async function preview() {
  const data = new FormData();
  for (const name of ["csrf", "name"]) data.set(name, form.elements[name].value);
  data.set("style", form.elements.style.value);
  try {
    const answer = await fetch(form.dataset.preview, { method: "POST", body: data, credentials: "same-origin" });
    const { image } = await answer.json();
    if (image && picture) {
      picture.src = image;
      picture.alt = picture.dataset.alt + data.get("name");
    }
  } catch {
    // Without a connection the last preview stays; the form says what is wrong.
  }
}
for (const input of [form.elements.name, ...form.elements.style]) {
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(preview, 250);
  });
}
