"use strict";
const night_of = (day) => {
  const date = new Date(first_night + "T00:00:00Z");
  date.setUTCDate(date.getUTCDate() + day);
  return date.toISOString().slice(0, 10);
};
for (const figure of document.querySelectorAll("figure[data-days]")) {
  const drawing = figure.querySelector("svg"), shown = figure.querySelector("output");
  let days = null, values = null;
  drawing.addEventListener("pointermove", (event) => {
    days ??= figure.dataset.days.split(",").map(Number);
    values ??= figure.dataset.values.split(" ");
    const box = drawing.getBoundingClientRect(), left = Number(figure.dataset.left), right = Number(figure.dataset.right);
    const place = (event.clientX - box.left) / box.width * drawing.viewBox.baseVal.width;
    const day = (place - left) / (right - left) * Math.max(1, night_count - 1);
    let nearest = 0;
    days.forEach((each, index) => { if (Math.abs(each - day) < Math.abs(days[nearest] - day)) nearest = index; });
    shown.textContent = `${night_of(days[nearest])}: ${values[nearest]} ${figure.dataset.unit}`;
  });
  drawing.addEventListener("pointerleave", () => { shown.textContent = ""; });
}
const open_target = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && target.closest("details");
  if (folded) { folded.open = true; target.scrollIntoView(); }
};
addEventListener("hashchange", open_target);
open_target();
