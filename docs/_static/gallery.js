// The gallery's overview: a family is chosen, and words are looked for.  Without this script the links lead to the families.

const families = [...document.querySelectorAll(".gallery-family")];
const links = [...document.querySelectorAll(".gallery-families a")];
const cards = [...document.querySelectorAll(".gallery-cards > li")];
const textOf = new Map(cards.map((card) => [card, `${card.textContent} ${card.closest("section").id}`.toLowerCase()]));

// Above the cards: a field for words, and how many examples are shown.
function tools() {
  const made = document.createElement("form");
  made.className = "gallery-tools";
  made.innerHTML = '<input type="search" placeholder="Filter: LSTM, digits, GAN …" aria-label="Filter the examples"><output></output>';
  made.addEventListener("submit", (event) => event.preventDefault());
  made.addEventListener("input", show);
  document.querySelector(".gallery-families").before(made);
  return made;
}

function chooseAll() {
  const item = links[0].closest("li").cloneNode(true);
  const all = item.querySelector("a");
  all.href = "#";
  all.firstChild.data = "All ";
  all.querySelector(".gallery-count").textContent = cards.length;
  links[0].closest("ul").prepend(item);
  links.unshift(all);
}

function show() {
  const family = families.find(({ id }) => `#${id}` === location.hash);
  const words = form.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const card of cards) card.hidden = !words.every((word) => textOf.get(card).includes(word));
  for (const section of families) {
    section.hidden = (family && section !== family) || !section.querySelector("li:not([hidden])");
  }
  for (const link of links) link.setAttribute("aria-current", link.hash === (family ? `#${family.id}` : ""));
  const count = cards.filter((card) => !card.hidden && !card.closest("section").hidden).length;
  form.querySelector("output").textContent = count === 1 ? "1 example" : `${count} examples`;
}

const form = tools();
chooseAll();
for (const link of links) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    history.pushState(null, "", link.hash || location.pathname + location.search);
    show();
  });
}
addEventListener("popstate", show);
addEventListener("hashchange", show);
show();
