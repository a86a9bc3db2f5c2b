
"use strict";
// Shows raw tokens when asked for, folds, and follows keys. Text of the run is only ever set as text, never as markup.
const data = JSON.parse(document.getElementById("tokens").textContent);
const blocks = [...document.querySelectorAll(".block")];

function chip(origin, id, logprob) {
  const token = document.createElement("span");
  token.className = "t " + origin.replace(" ", "-");
  token.textContent = data.text[id];
  token.title = `token ${id}, ${origin}` + (logprob === undefined ? "" : `, log probability ${logprob}`);
  const number = document.createElement("small");
  number.textContent = id;
  token.append(number);
  return token;
}

function tokensOf(number) {
  const box = document.createElement("div");
  box.className = "tokens";
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", "raw tokens");
  for (const [origin, ids, logprobs = []] of data.groups[number]) {
    box.append(...ids.map((id, n) => chip(origin, id, logprobs[n])));
  }
  return box;
}

function toggleTokens(button) {
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  const place = button.closest("h2, h3, p");
  if (open) {
    place.nextElementSibling.remove();
  } else {
    place.after(tokensOf(Number(button.dataset.tokens)));
    document.querySelector(".legend").hidden = false;
  }
}

function foldAll(open) {
  for (const details of document.querySelectorAll("main details, footer details")) details.open = open;
}

function here() {
  const focused = blocks.indexOf(document.activeElement?.closest(".block"));
  if (focused >= 0) return focused;
  return blocks.findLastIndex((block) => block.getBoundingClientRect().top < 100);
}

function go(number) {
  const block = blocks[Math.max(0, Math.min(number, blocks.length - 1))];
  block.focus({ preventScroll: true });
  block.scrollIntoView({ block: "start" });
}

function nextFailed(from) {
  const next = blocks.findIndex((b, n) => n > from && (b.matches(".discarded") || b.querySelector(".error")));
  if (next >= 0) go(next);
}

const keys = {
  j: () => go(here() + 1),
  k: () => go(here() - 1),
  n: () => nextFailed(here()),
  t: () => blocks[here()]?.querySelector("h2 .raw, h3 .raw")?.click(),
  u: () => foldAll(true),
  f: () => foldAll(false),
  g: () => go(0),
  G: () => go(blocks.length - 1),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
  if (Object.hasOwn(keys, event.key)) keys[event.key]();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button.raw");
  if (button) toggleTokens(button);
});
document.getElementById("unfold").addEventListener("click", () => foldAll(true));
document.getElementById("fold").addEventListener("click", () => foldAll(false));
