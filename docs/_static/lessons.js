// Lessons: questions check themselves, and figures follow the theme of the site.  Without this script the answers stand in folds.

// ---- questions

// What a text may mean: 0.25, 0,25, -1/4, 2.5e-3, 9 %, and 1,376 in two ways; nothing where it is no number.
function numbersOf(text, answer) {
  const [, written, percent] = text.trim().replace(/[−–]/g, "-").match(/^(.*?)\s*(%|per ?cent)?$/s);
  const hundredth = percent && Math.abs(answer) <= 1 ? 100 : 1; // of a larger answer it is the unit that was asked for
  const thousands = /(?<![\d.,])[1-9]\d{0,2}(?:[.,'\s]\d{3})+(?!\d)/g;
  const readings = [written, written.replace(thousands, (found) => found.replace(/\D/g, ""))];
  return readings.map((reading) => quotientOf(reading.replace(/,/g, ".")) / hundredth).filter((x) => !Number.isNaN(x));
}

function quotientOf(text) {
  const parts = text.split("/");
  if (parts.length > 2 || parts.some((part) => part.trim() === "")) return NaN;
  return parts.map(Number).reduce((above, below) => above / below);
}

function say(question, state, word, ...sources) {
  const verdict = question.querySelector(".question-verdict");
  question.dataset.state = state;
  const head = document.createElement("b");
  head.textContent = word;
  const copies = sources.filter((source) => source?.hasChildNodes()).map((source) => {
    const copy = source.cloneNode(true);
    copy.removeAttribute("id");
    return copy;
  });
  verdict.replaceChildren(head, ...copies);
}

function plain(text) {
  const made = document.createElement("p");
  made.textContent = text;
  return made;
}

const feedback = (item) => item?.querySelector(".question-feedback");
const after = (question) => question.querySelector(".question-after");

function checkChoice(question) {
  const chosen = question.querySelector("input:checked");
  if (!chosen) return say(question, "none", "Choose one first.");
  const item = question.querySelector(`.question-answer li[data-value="${chosen.value}"]`);
  if (item.classList.contains("right")) return say(question, "right", "✓ Right.", feedback(item), after(question));
  return say(question, "wrong", "✗ Not quite.", feedback(item));
}

function checkNumber(question) {
  const { answer, tolerance } = question.dataset;
  const meant = numbersOf(question.querySelector("input").value, Number(answer));
  const near = (value) => meant.some((x) => Math.abs(x - value) <= Number(tolerance) + 1e-12 * Math.abs(value));
  if (meant.length === 0) return say(question, "none", "Write a number, such as 12, -0.25 or 1/4.");
  if (near(Number(answer))) return say(question, "right", "✓ Right.", after(question));
  const mistake = [...question.querySelectorAll(".question-answer li")].find((item) => near(Number(item.dataset.value)));
  const known = feedback(mistake) ?? (near(-Number(answer)) ? plain("The sign is the other one.") : plain("Try again, or open the fold below."));
  return say(question, "wrong", "✗ Not quite.", known);
}

for (const question of document.querySelectorAll(".question")) {
  const check = () => (question.dataset.kind === "choice" ? checkChoice : checkNumber)(question);
  const button = question.querySelector(".question-check button");
  button.hidden = false;
  button.addEventListener("click", check);
  question.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
    event.preventDefault();
    check();
  });
}

// ---- figures

// The theme that the reader has chosen on the site; where that is the system's, a figure follows it by itself.
function chosenTheme() {
  const { mode, theme } = document.documentElement.dataset;
  return mode && mode !== "auto" ? theme : null;
}

function paint(frame) {
  const [page, fragment] = frame.dataset.address.split("#");
  const theme = chosenTheme();
  const address = `${page}#${[fragment, theme && `theme=${theme}`].filter(Boolean).join("&")}`;
  if (frame.dataset.loaded) frame.contentWindow.location.replace(new URL(address, location.href)); // no entry in the history
  else if (frame.getAttribute("src") !== address) frame.src = address;
}

for (const frame of document.querySelectorAll("figure.live iframe")) {
  frame.dataset.address = frame.getAttribute("src");
  frame.addEventListener("load", () => { frame.dataset.loaded = "yes"; });
  paint(frame);
  new MutationObserver(() => paint(frame)).observe(document.documentElement, { attributeFilter: ["data-theme", "data-mode"] });
}
