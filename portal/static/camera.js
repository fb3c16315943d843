// The verification page: reads the QR code with the camera where the browser can. Nothing leaves the device but the code.
"use strict";
const part = document.getElementById("camera");
const view = document.getElementById("view");
const state = document.getElementById("scan-state");
const begin = document.getElementById("scan");
const stop = document.getElementById("stop");
let stream = null;

function end() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  view.hidden = stop.hidden = true;
  begin.hidden = false;
}

// Where a code of ours leads: to this very host and the payload it names, whatever else stands in it.
function target(text) {
  const found = /^HTTPS:\/\/([^/]+)\/V\/([A-Z2-7]+)\/?$/.exec(text.trim().toUpperCase());
  return found && found[1] === part.dataset.host.toUpperCase() ? part.dataset.prefix + found[2] : null;
}

async function scan() {
  state.textContent = "";
  try {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    view.srcObject = stream;
    view.hidden = stop.hidden = false;
    begin.hidden = true;
    await view.play();
    while (stream) {
      for (const code of await detector.detect(view)) {
        const address = target(code.rawValue);
        if (address) {
          end();
          location.assign(address);
          return;
        }
        state.textContent = part.dataset.foreign.replace("%", code.rawValue.slice(0, 100));
      }
      await new Promise((resume) => setTimeout(resume, 200));
    }
  } catch {
    end();
    state.textContent = part.dataset.failed;
  }
}

async function offer() {
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices) return;
  if (!(await BarcodeDetector.getSupportedFormats()).includes("qr_code")) return;
  part.hidden = false;
  begin.addEventListener("click", scan);
  stop.addEventListener("click", end);
}
offer();
