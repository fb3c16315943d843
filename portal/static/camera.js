// The verification page: reads the QR code with the camera. Where the browser reads codes itself nothing leaves the device
// but the code; elsewhere small pictures go to the server, which reads them and keeps none.
"use strict";
const part = document.getElementById("camera");
const view = document.getElementById("view");
const state = document.getElementById("scan-state");
const begin = document.getElementById("scan");
const stop = document.getElementById("stop");
const say = part.dataset;
const WIDEST = 960; // pixels of a picture that is sent
const PATIENCE = 60000; // milliseconds without a code
let stream = null;

const pause = (milliseconds) => new Promise((resume) => setTimeout(resume, milliseconds));

function end(message = "") {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  view.hidden = stop.hidden = true;
  begin.hidden = false;
  state.textContent = message;
}

// Where a code of ours leads: to this very host and the payload it names, whatever else stands in it.
function target(text) {
  const found = /^HTTPS:\/\/([^/]+)\/V\/([A-Z2-7]+)\/?$/.exec(text.trim().toUpperCase());
  return found && found[1] === say.host.toUpperCase() ? say.prefix + found[2] : null;
}

async function detector() {
  if (!("BarcodeDetector" in window)) return null;
  return (await BarcodeDetector.getSupportedFormats()).includes("qr_code") ? new BarcodeDetector({ formats: ["qr_code"] }) : null;
}

async function readHere(reader) {
  const codes = await reader.detect(view);
  await pause(codes.length ? 0 : 200);
  return codes.map((code) => code.rawValue);
}

async function readThere() {
  const canvas = document.createElement("canvas");
  const scale = Math.min(1, WIDEST / view.videoWidth);
  canvas.width = Math.round(view.videoWidth * scale);
  canvas.height = Math.round(view.videoHeight * scale);
  canvas.getContext("2d").drawImage(view, 0, 0, canvas.width, canvas.height);
  const picture = await new Promise((made) => canvas.toBlob(made, "image/jpeg", 0.85));
  const data = new FormData();
  data.set("csrf", say.csrf);
  data.set("picture", picture, "frame.jpg");
  const [answer] = await Promise.all([fetch(say.frame, { method: "POST", body: data, credentials: "same-origin" }), pause(1000)]);
  if (answer.status === 429 || answer.status === 503) {
    await pause(5000);
    return [];
  }
  return (await answer.json()).texts;
}

async function scan() {
  begin.hidden = true;
  state.textContent = say.looking;
  try {
    const reader = await detector();
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
    view.srcObject = stream;
    view.hidden = stop.hidden = false;
    await view.play();
    const until = Date.now() + PATIENCE;
    while (stream && Date.now() < until) {
      for (const text of await (reader ? readHere(reader) : readThere())) {
        const address = target(text);
        if (address && stream) {
          end();
          location.assign(address);
          return;
        }
        if (stream) state.textContent = say.foreign.replace("%", text.slice(0, 100));
      }
    }
    if (stream) end(say.nothing);
  } catch {
    end(say.failed);
  }
}

async function offer() {
  if (!navigator.mediaDevices?.getUserMedia) return;
  document.getElementById("scan-where").textContent = (await detector()) ? say.local : say.sent;
  part.hidden = false;
  begin.addEventListener("click", scan);
  stop.addEventListener("click", () => end());
}
offer();
