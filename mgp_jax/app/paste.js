"use strict";
// Ctrl-V anywhere on the page brings a copied picture, as if its file had been chosen.

document.addEventListener("paste", (event) => {
  const picture = [...event.clipboardData.files].find((file) => file.type.startsWith("image/"));
  const input = document.querySelector("#photograph input[type=file]");
  if (!picture || !input) return;
  event.preventDefault();
  const files = new DataTransfer();
  files.items.add(picture);
  input.files = files.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});
