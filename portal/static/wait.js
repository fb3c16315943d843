// The done page: looks every few seconds whether the document has moved on, and shows the page anew when it has.
"use strict";
const shown = document.getElementById("state").dataset;
let wait = 1500;
async function look() {
  try {
    const answer = await fetch(shown.address, { credentials: "same-origin", cache: "no-store" });
    const now = await answer.json();
    if (now.status !== shown.status || String(now.delayed) !== shown.delayed) {
      location.reload();
      return;
    }
  } catch {
    // No connection now: the next look may have one.
  }
  wait = Math.min(wait * 1.3, 15000);
  setTimeout(look, wait);
}
if (["signing", "sealing"].includes(shown.status)) setTimeout(look, wait);
