// What pages do quicker with a script; all of them work without it.
"use strict";

// After a refusal or a message, readers of the screen start there.
const first = document.querySelector(".findings, .done");
if (first) first.focus();

// A form is sent once.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button")) setTimeout(() => { button.disabled = true; }, 0);
  });
}
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button:disabled")) button.disabled = false;
});

// A file takes a while to be sent: say so.
for (const form of document.querySelectorAll("form[enctype]")) {
  form.addEventListener("submit", () => { const sending = form.querySelector(".sending"); if (sending) sending.hidden = false; });
}
