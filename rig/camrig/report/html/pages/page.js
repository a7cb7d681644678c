"use strict";
const open_target = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") target.open = true;
};
addEventListener("hashchange", open_target);
open_target();
for (const button of document.querySelectorAll("[data-console]")) {
  button.addEventListener("click", async () => {
    const shown = document.getElementById(button.dataset.console);
    if (!shown.textContent) {
      const packed = document.getElementById(button.dataset.console + "-data").textContent.trim();
      const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
      shown.textContent = await new Response(stream).text();
    }
    shown.hidden = !shown.hidden;
    button.textContent = shown.hidden ? "Show the whole console" : "Hide the console";
  });
}
